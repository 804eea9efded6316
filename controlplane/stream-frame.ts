// A stream from its admission to its end: counted for its caller, and ended when the caller is no longer who it was.
import type { ServerErrorResponse } from "@grpc/grpc-js";
import type { AccessControl, AdmittedMethod, CallSubject, IncomingCall } from "./access/access-control.ts";
import type { Caller } from "./access/caller.ts";
import type { CallFailure } from "./call-failure.ts";

/** What server streams and bidirectional ones have in common. */
export interface EndableStream extends IncomingCall {
  readonly cancelled: boolean;
  end(): unknown;
  emit(event: "error", error: ServerErrorResponse): boolean;
}

export interface AdmittedStream {
  readonly stream: EndableStream;
  readonly subject: (() => CallSubject) | undefined;
  readonly handle: (caller: Caller) => Promise<CallFailure | undefined>;
}

/** A stream whose caller was revoked or lost the right ends after this, and after what the reviews before it may count. */
const RECHECK_MS = 60_000;

/** Resolves to what ends the stream. */
export async function runAdmittedStream(
  access: AccessControl,
  method: AdmittedMethod,
  { stream, subject, handle }: AdmittedStream,
  recheckMs = RECHECK_MS,
): Promise<CallFailure | undefined> {
  const admission = await access.admit(method, stream, subject);
  if (!admission.ok) return admission.error;
  // It may have left while somebody was asked about it; nothing would tell its handler anymore.
  if (stream.cancelled) return undefined;
  const opened = access.limits?.openStream(admission.value.id);
  if (typeof opened === "object") return opened;
  const { promise: revoked, resolve: revoke } = Promise.withResolvers<CallFailure>();
  const recheck = async (): Promise<void> => {
    const failure = await access.mayStay(method, stream, subject);
    if (failure !== undefined) revoke(failure);
  };
  // Where nobody is told apart, nobody can be revoked.
  const timer = access.limits === undefined ? undefined : setInterval(() => void recheck(), recheckMs).unref();
  try {
    return await Promise.race([handle(admission.value), revoked]);
  } finally {
    clearInterval(timer);
    opened?.();
  }
}
