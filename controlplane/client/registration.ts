// The three ways to register, as one, and how a registration ends.
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ControlPlaneService } from "../../proto/gen/grpc/controlplane/controlplane.ts";
import { ComponentKind } from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import type { CallProblem } from "./call-problem.ts";
import type { Channel, Connection } from "./connection.ts";

export type Kind = "processor" | "source" | "consumer";

export const KINDS = {
  processor: ComponentKind.COMPONENT_KIND_PROCESSOR,
  source: ComponentKind.COMPONENT_KIND_SOURCE,
  consumer: ComponentKind.COMPONENT_KIND_CONSUMER,
} as const satisfies Record<Kind, ComponentKind>;

export interface Registration {
  readonly kind: Kind;
  /** Empty: the control plane makes one up. */
  readonly id: string;
  readonly endpoint: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Resolves to the id that the component has from then on. */
export async function register(
  channel: Channel,
  { kind, id, endpoint, metadata }: Registration,
  timeoutMs: number,
): Promise<string> {
  const { registerProcessor, registerSource, registerConsumer } = ControlPlaneService;
  const what = { endpoint, metadata: { ...metadata } };
  switch (kind) {
    case "processor":
      return (await channel.unary(registerProcessor, { ...what, processorId: id }, timeoutMs)).processorId;
    case "source":
      return (await channel.unary(registerSource, { ...what, sourceId: id }, timeoutMs)).sourceId;
    case "consumer":
      return (await channel.unary(registerConsumer, { ...what, consumerId: id }, timeoutMs)).consumerId;
  }
}

/** When the replica at hand does not answer, one other is asked. */
const UNREGISTER_ATTEMPTS = 2;

/** Resolves to the problem when it could not be done; that the control plane knows no such instance is what was wanted. */
export async function unregister(
  connection: Connection,
  { kind, id, instance }: { readonly kind: Kind; readonly id: string; readonly instance: string },
  timeoutMs: number,
): Promise<CallProblem | undefined> {
  let problem: CallProblem | undefined;
  for (let attempt = 0; attempt < UNREGISTER_ATTEMPTS; attempt += 1) {
    try {
      const request = { kind: KINDS[kind], id, instance };
      await connection.use((channel) => channel.unary(RegistryService.unregister, request, timeoutMs));
      return undefined;
    } catch (error) {
      problem = error as CallProblem;
      if (problem.code === "NOT_FOUND") return undefined;
      if (!problem.isOutage) break;
    }
  }
  return problem;
}
