// obsrvr.flow.controlplane.ControlPlane: the six calls by which components register and send heartbeats.
import type { handleUnaryCall } from "@grpc/grpc-js";
import type { ComponentKind } from "../../core/registry/component.ts";
import { err, ok } from "../../core/result.ts";
import type { ControlPlaneServer } from "../../proto/gen/grpc/controlplane/controlplane.ts";
import type { CallFrame } from "../call-frame.ts";
import { hearComponent, registerComponent } from "../components.ts";
import { whenThere } from "../eventual.ts";
import type { LiveRegistry } from "../live-registry.ts";
import { registrationSubject } from "../registration-subject.ts";

/** What the three kinds of requests have in common, with the id under one name. */
interface Registering {
  readonly endpoint: string;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Beating {
  readonly status: string;
  readonly metrics: Readonly<Record<string, number>>;
}

const PATH = "/obsrvr.flow.controlplane.ControlPlane";

/** A response is a success: `success` is true in each, and a failure is a gRPC status. */
export function controlPlaneService(frame: CallFrame, registry: LiveRegistry): ControlPlaneServer {
  /** One call to register, of a kind whose messages name the id so. */
  const register = <Request extends Registering, Response>(
    method: string,
    kind: ComponentKind,
    idOf: (request: Request) => string,
    answer: (id: string) => Response,
  ): handleUnaryCall<Request, Response> =>
    frame.unary<Request, Response>(
      `${PATH}/${method}`,
      (request, caller, note) => {
        const { endpoint, metadata } = request;
        const wanted = { kind, id: idOf(request), endpoint, metadata };
        const speaker = frame.speaker(`${PATH}/${method}`, caller);
        const registering = { request: wanted, names: { id: `${kind}_id` }, speaker, note };
        return registerComponent(registry, registering, ({ registration }) => answer(registration.id));
      },
      (request) => registrationSubject(kind, idOf(request), request.metadata),
    );
  const beat = <Request extends Beating>(
    method: string,
    kind: ComponentKind,
    idOf: (request: Request) => string,
  ): handleUnaryCall<Request, { success: boolean; message: string }> =>
    frame.unary(`${PATH}/${method}`, (request: Request, caller) => {
      const { status, metrics } = request;
      const said = { kind, id: idOf(request), status, metrics };
      const heard = hearComponent(registry, said, { id: `${kind}_id` }, frame.speaker(`${PATH}/${method}`, caller));
      return whenThere(heard, (failure) => (failure === undefined ? ok(TAKEN) : err(failure)));
    });
  return {
    registerProcessor: register(
      "RegisterProcessor",
      "processor",
      ({ processorId }) => processorId,
      (id) => ({ ...TAKEN, processorId: id }),
    ),
    registerSource: register(
      "RegisterSource",
      "source",
      ({ sourceId }) => sourceId,
      (id) => ({ ...TAKEN, sourceId: id }),
    ),
    registerConsumer: register(
      "RegisterConsumer",
      "consumer",
      ({ consumerId }) => consumerId,
      (id) => ({ ...TAKEN, consumerId: id }),
    ),
    processorHeartbeat: beat("ProcessorHeartbeat", "processor", ({ processorId }) => processorId),
    sourceHeartbeat: beat("SourceHeartbeat", "source", ({ sourceId }) => sourceId),
    consumerHeartbeat: beat("ConsumerHeartbeat", "consumer", ({ consumerId }) => consumerId),
  };
}

const TAKEN = { success: true, message: "" };
