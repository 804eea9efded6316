// Gives each unary call that came without a deadline one of the server's: also a call that never sends its request is ended.
import { ServerInterceptingCall, type ServerInterceptingCallInterface, type ServerInterceptor } from "@grpc/grpc-js";
import { toStatus } from "./call-failure.ts";

/** An interceptor that ends unary calls without a deadline after `timeoutMs`. Streams are open for as long as their clients want. */
export function createDeadlineInterceptor(timeoutMs: number): ServerInterceptor {
  return (method, call) => {
    const bounded = !method.requestStream && !method.responseStream && call.getDeadline() === Number.POSITIVE_INFINITY;
    // grpc-js itself ends the call at a deadline of the client: that one is left as it is.
    return bounded ? new BoundedCall(call, timeoutMs) : (call as ServerInterceptingCall);
  };
}

/** grpc-js does not export these two by name. */
type Listener = Parameters<ServerInterceptingCall["start"]>[0];
type EndStatus = Parameters<ServerInterceptingCall["sendStatus"]>[0];

class BoundedCall extends ServerInterceptingCall {
  private readonly timer: NodeJS.Timeout;

  constructor(next: ServerInterceptingCallInterface, timeoutMs: number) {
    super(next);
    this.timer = setTimeout(() => {
      const message = `the call was not finished within ${timeoutMs} ms, the limit for calls without a deadline`;
      this.sendStatus(toStatus({ cause: "CALL_TIMEOUT", message }));
    }, timeoutMs);
  }

  override start(listener: Listener): void {
    super.start({
      onReceiveMetadata: (metadata) => listener.onReceiveMetadata(metadata),
      onReceiveMessage: (message) => listener.onReceiveMessage(message),
      onReceiveHalfClose: () => listener.onReceiveHalfClose(),
      onCancel: () => {
        clearTimeout(this.timer);
        listener.onCancel();
      },
    });
  }

  override sendStatus(status: EndStatus): void {
    clearTimeout(this.timer);
    super.sendStatus(status);
  }
}
