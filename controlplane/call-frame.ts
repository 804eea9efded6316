// What every call goes through: its deadline, the one place where failures become statuses, and its count.
import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServerDuplexStream,
  type ServerErrorResponse,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import type { Result } from "../core/result.ts";
import type { Clock } from "../runtime/clock.ts";
import { describeError } from "../runtime/errors.ts";
import type { Logger } from "../runtime/log.ts";
import { CAUSES, type CallFailure, failureOf, toStatus } from "./call-failure.ts";
import type { ControlPlaneMetrics, MethodMetrics } from "./metrics.ts";

/** What a handler answers: a message, or why there is none. */
export type Answer<T> = Result<T, CallFailure>;

/** A handler that needs nothing but the registry in memory answers at once; a promise is for those that wait for something. */
export type UnaryHandler<Request, Response> = (request: Request) => Answer<Response> | Promise<Answer<Response>>;

/** Runs until the stream has ended; what it resolves to ends the stream. */
export type StreamHandler<Request, Response> = (
  request: Request,
  stream: ServerWritableStream<Request, Response>,
) => Promise<CallFailure | undefined>;

export interface CallFrameOptions {
  readonly metrics: ControlPlaneMetrics;
  readonly clock: Clock;
  readonly log: Logger;
}

const MS_PER_S = 1_000;

export class CallFrame {
  private readonly options: CallFrameOptions;

  constructor(options: CallFrameOptions) {
    this.options = options;
  }

  /** A unary method of grpc-js around `handler`. */
  unary<Request, Response>(path: string, handler: UnaryHandler<Request, Response>): handleUnaryCall<Request, Response> {
    const method = this.options.metrics.method(path);
    const { clock } = this.options;
    return (call, callback) => {
      const startMs = clock.monotonicMs();
      try {
        const answer = handler(call.request);
        if (answer instanceof Promise) this.awaitAnswer({ path, method, startMs, callback }, answer);
        else this.finish({ path, method, startMs, callback }, answer);
      } catch (thrown) {
        this.finish({ path, method, startMs, callback }, { ok: false, error: this.failure(path, thrown) });
      }
    };
  }

  /** A server-streaming method of grpc-js around `handler`. */
  serverStream<Request, Response>(
    path: string,
    handler: StreamHandler<Request, Response>,
  ): handleServerStreamingCall<Request, Response> {
    const method = this.options.metrics.method(path);
    return (stream) => {
      this.runStream(path, method, stream, () => handler(stream.request, stream));
    };
  }

  /** A bidirectional method of grpc-js around `handler`. */
  bidiStream<Request, Response>(
    path: string,
    handler: (stream: ServerDuplexStream<Request, Response>) => Promise<CallFailure | undefined>,
  ): handleBidiStreamingCall<Request, Response> {
    const method = this.options.metrics.method(path);
    return (stream) => this.runStream(path, method, stream, () => handler(stream));
  }

  /** Runs `handle` for a stream of any kind and ends the stream with what it gives. */
  private runStream(
    path: string,
    method: MethodMetrics,
    stream: EndableStream,
    handle: () => Promise<CallFailure | undefined>,
  ): void {
    const startMs = this.options.clock.monotonicMs();
    const end = (failure: CallFailure | undefined): void => {
      const cancelled = failure === undefined && stream.cancelled;
      const code = failure === undefined ? (cancelled ? status.CANCELLED : status.OK) : CAUSES[failure.cause].code;
      method.ended(code, (this.options.clock.monotonicMs() - startMs) / MS_PER_S);
      if (failure === undefined) stream.end();
      else stream.emit("error", toServerError(failure));
    };
    handle().then(end, (thrown: unknown) => end(this.failure(path, thrown)));
  }

  private awaitAnswer<Response>(call: UnaryCall<Response>, answer: Promise<Answer<Response>>): void {
    answer.then(
      (value) => this.finish(call, value),
      (thrown: unknown) => this.finish(call, { ok: false, error: this.failure(call.path, thrown) }),
    );
  }

  private finish<Response>({ method, startMs, callback }: UnaryCall<Response>, answer: Answer<Response>): void {
    const seconds = (this.options.clock.monotonicMs() - startMs) / MS_PER_S;
    if (answer.ok) {
      method.ended(status.OK, seconds);
      callback(null, answer.value);
    } else {
      method.ended(CAUSES[answer.error.cause].code, seconds);
      callback(toServerError(answer.error));
    }
  }

  private failure(path: string, thrown: unknown): CallFailure {
    const failure = failureOf(thrown);
    if (failure.cause === "INTERNAL") {
      this.options.metrics.countDefect();
      this.options.log.error("call failed", { method: path, error: describeError(thrown) });
    }
    return failure;
  }
}

interface UnaryCall<Response> {
  readonly path: string;
  readonly method: MethodMetrics;
  readonly startMs: number;
  readonly callback: sendUnaryData<Response>;
}

/** What server streams and bidirectional ones have in common. */
interface EndableStream {
  readonly cancelled: boolean;
  end(): unknown;
  emit(event: "error", error: ServerErrorResponse): boolean;
}

function toServerError(failure: CallFailure): ServerErrorResponse {
  const { code, details, metadata } = toStatus(failure);
  return { name: failure.cause, message: failure.message, code, details, metadata };
}
