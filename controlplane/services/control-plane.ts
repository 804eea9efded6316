// obsrvr.flow.controlplane.ControlPlane: the six calls by which components register and send heartbeats.
import type { ComponentKind } from "../../core/registry/component.ts";
import { err, ok } from "../../core/result.ts";
import type { ControlPlaneServer } from "../../proto/gen/grpc/controlplane/controlplane.ts";
import type { Answer, CallFrame, Note } from "../call-frame.ts";
import { hearComponent, registerComponent } from "../components.ts";
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
  const register = (kind: ComponentKind, id: string, request: Registering, note: Note): Answer<string> => {
    const { endpoint, metadata } = request;
    const registered = registerComponent(registry, { kind, id, endpoint, metadata }, { id: `${kind}_id` }, note);
    return registered.ok ? ok(registered.value.registration.id) : registered;
  };
  const beat = (kind: ComponentKind, id: string, request: Beating): Answer<{ success: boolean; message: string }> => {
    const { status, metrics } = request;
    const failure = hearComponent(registry, { kind, id, status, metrics }, { id: `${kind}_id` });
    return failure === undefined ? ok(TAKEN) : err(failure);
  };
  return {
    registerProcessor: frame.unary(
      `${PATH}/RegisterProcessor`,
      (request, _caller, note) => {
        const id = register("processor", request.processorId, request, note);
        return id.ok ? ok({ ...TAKEN, processorId: id.value }) : id;
      },
      ({ processorId, metadata }) => registrationSubject("processor", processorId, metadata),
    ),
    registerSource: frame.unary(
      `${PATH}/RegisterSource`,
      (request, _caller, note) => {
        const id = register("source", request.sourceId, request, note);
        return id.ok ? ok({ ...TAKEN, sourceId: id.value }) : id;
      },
      ({ sourceId, metadata }) => registrationSubject("source", sourceId, metadata),
    ),
    registerConsumer: frame.unary(
      `${PATH}/RegisterConsumer`,
      (request, _caller, note) => {
        const id = register("consumer", request.consumerId, request, note);
        return id.ok ? ok({ ...TAKEN, consumerId: id.value }) : id;
      },
      ({ consumerId, metadata }) => registrationSubject("consumer", consumerId, metadata),
    ),
    processorHeartbeat: frame.unary(`${PATH}/ProcessorHeartbeat`, (request) =>
      beat("processor", request.processorId, request),
    ),
    sourceHeartbeat: frame.unary(`${PATH}/SourceHeartbeat`, (request) => beat("source", request.sourceId, request)),
    consumerHeartbeat: frame.unary(`${PATH}/ConsumerHeartbeat`, (request) =>
      beat("consumer", request.consumerId, request),
    ),
  };
}

const TAKEN = { success: true, message: "" };
