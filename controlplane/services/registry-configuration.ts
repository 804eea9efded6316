// Registry/Configure and Registry/WatchConfiguration: what a component shall run with, and how it gets to know.
import type { ServerWritableStream } from "@grpc/grpc-js";
import { findComponent } from "../../core/registry/state.ts";
import { err, ok } from "../../core/result.ts";
import type {
  ConfigureRequest,
  ConfigureResponse,
  WatchConfigurationRequest,
  WatchConfigurationResponse,
} from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import { type CallFailure, fieldsInvalid } from "../call-failure.ts";
import type { Answer } from "../call-frame.ts";
import { getComponent } from "../components.ts";
import type { DesiredConfiguration } from "../configurations.ts";
import { unknownComponent } from "../speaker.ts";
import { type RegistryContext, readName } from "./registry-context.ts";

export function configure(
  context: RegistryContext,
  request: ConfigureRequest,
): Answer<ConfigureResponse> | Promise<Answer<ConfigureResponse>> {
  const { registry, configurations } = context;
  const name = readName(request.kind, request.id);
  if (!name.ok) return name;
  const { configuration } = request;
  if (configuration === undefined)
    return err(fieldsInvalid([{ field: "configuration", rule: "required", message: "must be set; {} is one" }]));
  const component = getComponent(registry, name.value);
  if (!component.ok) return component;
  const expectedRevision = Number(request.expectedRevision);
  const set = configurations.set(name.value, configuration, { expectedRevision, nowMs: registry.state.nowMs });
  return set instanceof Promise ? set.then(toAnswer) : toAnswer(set);
}

function toAnswer(set: Answer<DesiredConfiguration>): Answer<ConfigureResponse> {
  return set.ok ? ok({ revision: BigInt(set.value.revision), digest: set.value.digest }) : set;
}

const NEVER_CONFIGURED: WatchConfigurationResponse = { revision: 0n, digest: "", configuration: undefined };

/** The configuration as it stands, then as it stands after changes: one that was replaced before it could be sent is left out. */
export function watchConfiguration(
  context: RegistryContext,
  request: WatchConfigurationRequest,
  stream: ServerWritableStream<WatchConfigurationRequest, WatchConfigurationResponse>,
): Promise<CallFailure | undefined> {
  const { registry, configurations, watches } = context;
  const name = readName(request.kind, request.id);
  if (!name.ok) return Promise.resolve(name.error);
  return watches.run<WatchConfigurationResponse>(stream, async (open) => {
    const unsubscribe = configurations.onChange(name.value, () => open.wake());
    try {
      let told: number | undefined;
      while (open.ended === undefined) {
        if (findComponent(registry.state, name.value) === undefined) return unknownComponent(name.value);
        const desired = configurations.get(name.value);
        const revision = desired?.revision ?? 0;
        if (revision !== told) await open.write(desired === undefined ? NEVER_CONFIGURED : toResponse(desired));
        told = revision;
        await open.woken();
      }
      return undefined;
    } finally {
      unsubscribe();
    }
  });
}

function toResponse(desired: {
  readonly revision: number;
  readonly digest: string;
  readonly value: Readonly<Record<string, unknown>>;
}): WatchConfigurationResponse {
  return { revision: BigInt(desired.revision), digest: desired.digest, configuration: { ...desired.value } };
}
