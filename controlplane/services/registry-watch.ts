// Registry/Watch: the components as they stand, then every change in order, each with the token that goes on after it.
import type { ServerWritableStream } from "@grpc/grpc-js";
import type { Notice } from "../../core/registry/event.ts";
import { noticesAfter, resumeToken, tokenAfter } from "../../core/registry/notice-log.ts";
import {
  WatchResponse_Type as Type,
  type WatchRequest,
  type WatchResponse,
} from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import { type CallFailure, fieldsInvalid } from "../call-failure.ts";
import { kindOf } from "../component-message.ts";
import type { OpenStream } from "../open-streams.ts";
import { KIND_RULE, type RegistryContext, show } from "./registry-context.ts";

/** Notices taken from the registry's log at once: a slow client keeps no more of it alive. */
const BATCH_NOTICES = 256;

/**
 * Nothing is buffered for a watch: it reads from the registry's bounded log at the pace of its client. A client so slow that the
 * log has gone past it is told so.
 */
export function watchRegistry(
  context: RegistryContext,
  request: WatchRequest,
  stream: ServerWritableStream<WatchRequest, WatchResponse>,
): Promise<CallFailure | undefined> {
  const kinds = request.kinds.map(kindOf);
  if (kinds.includes(undefined))
    return Promise.resolve(fieldsInvalid([{ field: "kinds", rule: "known", message: KIND_RULE }]));
  const wanted = kinds.length === 0 ? undefined : new Set(kinds);
  return context.watches.run<WatchResponse>(stream, async (open) => {
    const unsubscribe = context.registry.onNotices(() => open.wake());
    try {
      const isWanted = (kind: "source" | "processor" | "consumer") => wanted === undefined || wanted.has(kind);
      return await tellAll(context, request.resumeToken, isWanted, open);
    } finally {
      unsubscribe();
    }
  });
}

type IsWanted = (kind: "source" | "processor" | "consumer") => boolean;

async function tellAll(
  context: RegistryContext,
  resumeAt: string,
  isWanted: IsWanted,
  open: OpenStream<WatchResponse>,
): Promise<CallFailure | undefined> {
  const { registry } = context;
  let token = resumeAt === "" ? await tellCurrent(context, isWanted, open) : resumeAt;
  const began = token;
  while (open.ended === undefined) {
    const notices = noticesAfter(registry.state, token, BATCH_NOTICES);
    if (!notices.ok) return token === began && resumeAt !== "" ? badToken(notices.error) : TOO_SLOW;
    for (const notice of notices.value) {
      token = tokenAfter(registry.state.epoch, notice);
      const message = toResponse(context, notice, token, isWanted);
      if (message !== undefined) await open.write(message);
    }
    if (notices.value.length === 0) await open.woken();
  }
  return undefined;
}

/** One immutable state is told whole, however long that takes. Gives the token of that state. */
async function tellCurrent(
  context: RegistryContext,
  isWanted: IsWanted,
  open: OpenStream<WatchResponse>,
): Promise<string> {
  const { state } = context.registry;
  const token = resumeToken(state);
  for (const component of state.components.values()) {
    if (open.ended !== undefined) break;
    if (!isWanted(component.registration.kind)) continue;
    await open.write({ type: Type.TYPE_CURRENT, component: show(context, component), resumeToken: "" });
  }
  await open.write({ type: Type.TYPE_SYNCED, component: undefined, resumeToken: token });
  return token;
}

const TYPES: Readonly<Partial<Record<Notice["kind"], Type>>> = {
  registered: Type.TYPE_REGISTERED,
  updated: Type.TYPE_REGISTERED,
  takenOver: Type.TYPE_REGISTERED,
  livenessChanged: Type.TYPE_LIVENESS_CHANGED,
  statusChanged: Type.TYPE_STATUS_CHANGED,
  endpointHealthChanged: Type.TYPE_STATUS_CHANGED,
  configurationAcknowledged: Type.TYPE_CONFIGURATION_APPLIED,
  removed: Type.TYPE_REMOVED,
};

/** Undefined for what is about no component, or about one that is not watched. */
function toResponse(
  context: RegistryContext,
  notice: Notice,
  token: string,
  isWanted: IsWanted,
): WatchResponse | undefined {
  const type = TYPES[notice.kind];
  if (type === undefined || !("component" in notice) || !isWanted(notice.component.registration.kind)) return undefined;
  return { type, component: show(context, notice.component), resumeToken: token };
}

const TOO_SLOW: CallFailure = {
  cause: "WATCH_TOO_SLOW",
  message: "changes were dropped before the client read them: watch again without a token",
};

function badToken(problem: "malformed" | "expired"): CallFailure {
  if (problem === "malformed")
    return fieldsInvalid([
      { field: "resume_token", rule: "resume_token", message: "must be what a watch or a list gave" },
    ]);
  const message = "the changes after this token are no longer kept: watch again without a token";
  return { cause: "RESUME_TOKEN_EXPIRED", message };
}
