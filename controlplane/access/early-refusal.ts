// Refuses a call of nobody at its first frame: what it would send besides is never read, so that it takes no memory.
import { ServerInterceptingCall, type ServerInterceptingCallInterface, type ServerInterceptor } from "@grpc/grpc-js";
import { CAUSES, type CallFailure, toStatus } from "../call-failure.ts";
import type { ControlPlaneMetrics, MethodMetrics } from "../metrics.ts";
import type { AccessControl, AdmittedMethod } from "./access-control.ts";
import { findRight } from "./rights.ts";

/** An interceptor for the methods that take a right. Whether the caller has it is decided with the request, by the frame. */
export function createEarlyRefusal(access: AccessControl, metrics: ControlPlaneMetrics): ServerInterceptor {
  /** One a method that is served. */
  const counts = new Map<string, MethodMetrics>();
  const countRefused = (path: string, failure: CallFailure): void => {
    const method = counts.get(path) ?? metrics.method(path);
    counts.set(path, method);
    method.ended(CAUSES[failure.cause].code, 0);
  };
  return ({ path }, call) => {
    const right = findRight(path);
    if (right === undefined || right === "open") return call as ServerInterceptingCall;
    return new KnownCall(call, { access, method: { path, right }, countRefused });
  };
}

interface KnownCallParts {
  readonly access: AccessControl;
  readonly method: AdmittedMethod;
  readonly countRefused: (path: string, failure: CallFailure) => void;
}

/** grpc-js does not export it by name. */
type Listener = Parameters<ServerInterceptingCall["start"]>[0];

class KnownCall extends ServerInterceptingCall {
  private readonly parts: KnownCallParts;

  constructor(next: ServerInterceptingCallInterface, parts: KnownCallParts) {
    super(next);
    this.parts = parts;
  }

  override start(listener: Listener): void {
    super.start({
      onReceiveMetadata: (metadata) => {
        const call = { metadata, getPeer: () => this.getPeer(), getAuthContext: () => this.getAuthContext() };
        const refusal = this.parts.access.refuseEarly(this.parts.method, call);
        if (refusal === undefined) listener.onReceiveMetadata(metadata);
        else if (refusal instanceof Promise)
          // The frame meets what is thrown here again, and says it.
          void refusal
            .catch(() => undefined)
            .then((failure) => (failure === undefined ? listener.onReceiveMetadata(metadata) : this.refuse(failure)));
        else this.refuse(refusal);
      },
      onReceiveMessage: (message) => listener.onReceiveMessage(message),
      onReceiveHalfClose: () => listener.onReceiveHalfClose(),
      onCancel: () => listener.onCancel(),
    });
  }

  private refuse(failure: CallFailure): void {
    this.parts.countRefused(this.parts.method.path, failure);
    this.sendStatus(toStatus(failure));
  }
}
