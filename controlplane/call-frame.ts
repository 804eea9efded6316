// What every call goes through: who calls, the one place where failures become statuses, its count and its record.
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
import { err, type Result } from "../core/result.ts";
import type { Clock } from "../runtime/clock.ts";
import { describeError } from "../runtime/errors.ts";
import type { Logger } from "../runtime/log.ts";
import type { AccessControl, Admission, AdmittedMethod, SubjectOf } from "./access/access-control.ts";
import type { Caller } from "./access/caller.ts";
import { rightOf } from "./access/rights.ts";
import { CAUSES, type CallFailure, failureOf, toStatus } from "./call-failure.ts";
import type { TimedCall } from "./call-time.ts";
import type { ControlPlaneMetrics, MethodMetrics } from "./metrics.ts";
import type { Speaker } from "./speaker.ts";
import { type AdmittedStream, runAdmittedStream } from "./stream-frame.ts";

/** What a handler answers: a message, or why there is none. */
export type Answer<T> = Result<T, CallFailure>;

/** Says in the audit record what a change came to, instead of `done`, and what was changed, where the request did not say. */
export type Note = (outcome: string, object?: string) => void;

/** A handler that needs nothing but the registry in memory answers at once; a promise is for those that wait for something. */
export type UnaryHandler<Request, Response> = (
  request: Request,
  caller: Caller,
  note: Note,
  call: TimedCall,
) => Answer<Response> | Promise<Answer<Response>>;

/** Runs until the stream has ended; what it resolves to ends the stream. */
export type StreamHandler<Request, Response> = (
  request: Request,
  stream: ServerWritableStream<Request, Response>,
  caller: Caller,
) => Promise<CallFailure | undefined>;

export type DuplexHandler<Request, Response> = (
  stream: ServerDuplexStream<Request, Response>,
  caller: Caller,
) => Promise<CallFailure | undefined>;

export interface CallFrameOptions {
  readonly access: AccessControl;
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

  /** A unary method of grpc-js around `handler`. `subjectOf` says what a request is about, for rights and the audit record. */
  unary<Request, Response>(
    path: string,
    handler: UnaryHandler<Request, Response>,
    subjectOf?: SubjectOf<NoInfer<Request>>,
  ): handleUnaryCall<Request, Response> {
    const { access, clock } = this.options;
    const method = { path, right: rightOf(path), metrics: this.options.metrics.method(path) };
    return (call, callback) => {
      const { request } = call;
      const subject = subjectOf === undefined ? undefined : () => subjectOf(request);
      const unary: UnaryCall<Response> = { method, startMs: clock.monotonicMs(), callback, subject };
      const begin = (admission: Admission): Answer<Response> | Promise<Answer<Response>> => {
        if (!admission.ok) return admission;
        unary.caller = admission.value;
        const note: Note = (outcome, object) => {
          unary.noted = { outcome, object };
        };
        return handler(request, admission.value, note, call);
      };
      try {
        const admission = access.admit(method, call, subject);
        const answer = admission instanceof Promise ? admission.then(begin) : begin(admission);
        if (answer instanceof Promise) this.awaitAnswer(unary, answer);
        else this.finish(unary, answer);
      } catch (thrown) {
        this.finish(unary, err(this.failure(path, thrown)));
      }
    };
  }

  /** A server-streaming method of grpc-js around `handler`. */
  serverStream<Request, Response>(
    path: string,
    handler: StreamHandler<Request, Response>,
    subjectOf?: SubjectOf<NoInfer<Request>>,
  ): handleServerStreamingCall<Request, Response> {
    const method = { path, right: rightOf(path), metrics: this.options.metrics.method(path) };
    return (stream) => {
      const { request } = stream;
      const subject = subjectOf === undefined ? undefined : () => subjectOf(request);
      this.runStream(method, { stream, subject, handle: (caller) => handler(request, stream, caller) });
    };
  }

  /** A bidirectional method of grpc-js around `handler`. */
  bidiStream<Request, Response>(
    path: string,
    handler: DuplexHandler<Request, Response>,
  ): handleBidiStreamingCall<Request, Response> {
    const method = { path, right: rightOf(path), metrics: this.options.metrics.method(path) };
    return (stream) =>
      this.runStream(method, { stream, subject: undefined, handle: (caller) => handler(stream, caller) });
  }

  /** One more message of a stream, taken from the same budget as a call. */
  takeMessage(path: string, caller: Caller): CallFailure | undefined {
    const right = rightOf(path);
    return right === "open" ? undefined : this.options.access.limits?.take(caller.id, right.budget);
  }

  /** The caller of a method, as the registry knows it. */
  speaker(path: string, caller: Caller): Speaker {
    const { access } = this.options;
    return {
      owner: caller.via === "nothing" ? undefined : caller.id,
      denialForAny: (message) => access.denialForOthers({ path, right: rightOf(path) }, caller, message),
    };
  }

  private runStream(method: FramedMethod, admitted: AdmittedStream): void {
    const { access, clock } = this.options;
    const startMs = clock.monotonicMs();
    const end = (failure: CallFailure | undefined): void => {
      const { stream } = admitted;
      const cancelled = failure === undefined && stream.cancelled;
      const code = failure === undefined ? (cancelled ? status.CANCELLED : status.OK) : CAUSES[failure.cause].code;
      method.metrics.ended(code, (clock.monotonicMs() - startMs) / MS_PER_S);
      if (failure === undefined) stream.end();
      else stream.emit("error", toServerError(failure));
    };
    runAdmittedStream(access, method, admitted).then(end, (thrown: unknown) => end(this.failure(method.path, thrown)));
  }

  private awaitAnswer<Response>(call: UnaryCall<Response>, answer: Promise<Answer<Response>>): void {
    answer.then(
      (value) => this.finish(call, value),
      (thrown: unknown) => this.finish(call, err(this.failure(call.method.path, thrown))),
    );
  }

  private finish<Response>(call: UnaryCall<Response>, answer: Answer<Response>): void {
    const { method, startMs, callback } = call;
    const seconds = (this.options.clock.monotonicMs() - startMs) / MS_PER_S;
    if (method.right !== "open" && method.right.change) this.record(call, answer.ok ? undefined : answer.error);
    if (answer.ok) {
      method.metrics.ended(status.OK, seconds);
      callback(null, answer.value);
    } else {
      method.metrics.ended(CAUSES[answer.error.cause].code, seconds);
      callback(toServerError(answer.error));
    }
  }

  /** Changes that were tried; denials have their own record. */
  private record(call: UnaryCall<never>, failure: CallFailure | undefined): void {
    const { caller, method, subject, noted } = call;
    if (caller === undefined) return;
    const object = noted?.object ?? subject?.().object ?? "";
    const outcome = failure?.cause ?? noted?.outcome ?? "done";
    this.options.access.audit.change({ caller, method: method.path, object, outcome });
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

interface FramedMethod extends AdmittedMethod {
  readonly metrics: MethodMetrics;
}

interface UnaryCall<Response> {
  readonly method: FramedMethod;
  readonly startMs: number;
  readonly callback: sendUnaryData<Response>;
  readonly subject: (() => ReturnType<SubjectOf<never>>) | undefined;
  caller?: Caller;
  noted?: { readonly outcome: string; readonly object: string | undefined };
}

function toServerError(failure: CallFailure): ServerErrorResponse {
  const { code, details, metadata } = toStatus(failure);
  return { name: failure.cause, message: failure.message, code, details, metadata };
}
