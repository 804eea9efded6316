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

/** Resolves to what ends the stream. */
export async function runAdmittedStream(
  access: AccessControl,
  method: AdmittedMethod,
  { stream, subject, handle }: AdmittedStream,
): Promise<CallFailure | undefined> {
  const admission = await access.admit(method, stream, subject);
  if (!admission.ok) return admission.error;
  // It may have left while somebody was asked about it; nothing would tell its handler anymore.
  if (stream.cancelled) return undefined;
  const opened = access.limits?.openStream(admission.value.id);
  if (typeof opened === "object") return opened;
  try {
    return await handle(admission.value);
  } finally {
    opened?.();
  }
}
