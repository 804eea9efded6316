// Registry/Heartbeats and Registry/BatchHeartbeat: many heartbeats in one message, each answered for itself.
import type { handleBidiStreamingCall, ServerDuplexStream } from "@grpc/grpc-js";
import type { FieldProblem } from "../../core/registry/field-problem.ts";
import { err, ok } from "../../core/result.ts";
import type {
  BatchHeartbeatResponse,
  Heartbeat,
  HeartbeatFailure,
  HeartbeatsRequest,
  HeartbeatsResponse,
} from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import { CAUSES, type CallFailure, fieldsInvalid } from "../call-failure.ts";
import type { Answer } from "../call-frame.ts";
import { kindOf } from "../component-message.ts";
import { hearComponent } from "../components.ts";
import { type Eventual, whenThere } from "../eventual.ts";
import type { OpenStream } from "../open-streams.ts";
import type { Speaker } from "../speaker.ts";
import { KIND_RULE, type RegistryContext } from "./registry-context.ts";

/** Heartbeats in one message. */
export const MAX_BATCH = 500;

/** Takes what can be taken; what cannot is told by its place. Fails whole only when there are none, or too many. */
export function hearBatch(
  context: RegistryContext,
  heartbeats: readonly Heartbeat[],
  speaker: Speaker,
): Eventual<Answer<BatchHeartbeatResponse & HeartbeatsResponse>> {
  if (heartbeats.length === 0 || heartbeats.length > MAX_BATCH) {
    const message = `has ${heartbeats.length} entries; there must be 1 to ${MAX_BATCH}`;
    return err(fieldsInvalid([{ field: "heartbeats", rule: "count", message }]));
  }
  const failures: HeartbeatFailure[] = [];
  const waiting: Promise<void>[] = [];
  for (const [index, heartbeat] of heartbeats.entries()) {
    const noted = whenThere(hear(context, heartbeat, speaker), (failure) => {
      if (failure === undefined) return;
      failures.push({ index, code: CAUSES[failure.cause].code, message: failure.message, reason: failure.cause });
    });
    if (noted instanceof Promise) waiting.push(noted);
  }
  const answer = () => ok({ accepted: heartbeats.length - failures.length, failures });
  if (waiting.length === 0) return answer();
  return Promise.all(waiting).then(() => {
    failures.sort((left, right) => left.index - right.index);
    return answer();
  });
}

function hear(
  { registry, configurations }: RegistryContext,
  heartbeat: Heartbeat,
  speaker: Speaker,
): Eventual<CallFailure | undefined> {
  const { id, instance, status, metrics, configuration } = heartbeat;
  const kind = kindOf(heartbeat.kind);
  if (kind === undefined) return fieldsInvalid([KIND_PROBLEM]);
  const applied = configuration === undefined ? {} : { configurationRevision: Number(configuration.appliedRevision) };
  const request = { kind, id, instance, status, metrics, ...applied };
  return whenThere(hearComponent(registry, request, FIELD_NAMES, speaker), (failure) => {
    if (failure === undefined && configuration !== undefined && configuration.refusedRevision !== 0n)
      configurations.refused({ kind, id }, Number(configuration.refusedRevision), configuration.error);
    return failure;
  });
}

const KIND_PROBLEM: FieldProblem = { field: "kind", rule: "required", message: KIND_RULE };
const FIELD_NAMES = { configuration_revision: "configuration.applied_revision" };

type HeartbeatStream = ServerDuplexStream<HeartbeatsRequest, HeartbeatsResponse>;

/** Each request is answered before the next one is read, so that a client that does not read stops its own heartbeats. */
export function hearStream(
  context: RegistryContext,
  path: string,
): handleBidiStreamingCall<HeartbeatsRequest, HeartbeatsResponse> {
  return context.frame.bidiStream(path, (stream: HeartbeatStream, caller) => {
    const speaker = context.frame.speaker(path, caller);
    const answer = (request: HeartbeatsRequest): Eventual<Answer<HeartbeatsResponse>> => {
      const limited = context.frame.takeMessage(path, caller);
      return limited === undefined ? hearBatch(context, request.heartbeats, speaker) : err(limited);
    };
    return context.heartbeats.run<HeartbeatsResponse>(stream, (open) => answerEach(stream, open, answer));
  });
}

async function answerEach(
  stream: HeartbeatStream,
  open: OpenStream<HeartbeatsResponse>,
  answerOne: (request: HeartbeatsRequest) => Eventual<Answer<HeartbeatsResponse>>,
): Promise<CallFailure | undefined> {
  const waiting: HeartbeatsRequest[] = [];
  let ended = false;
  stream.on("data", (request: HeartbeatsRequest) => {
    waiting.push(request);
    // Bounds `waiting`: one request is taken in while the answer to the one before is on its way.
    if (waiting.length > 1) stream.pause();
    open.wake();
  });
  stream.once("end", () => {
    ended = true;
    open.wake();
  });
  while (open.ended === undefined) {
    const request = waiting.shift();
    if (request === undefined) {
      if (ended) break;
      if (stream.isPaused()) stream.resume();
      await open.woken();
      continue;
    }
    const answer = await answerOne(request);
    if (!answer.ok) return answer.error;
    await open.write(answer.value);
  }
  return undefined;
}
