// Why no connection to NATS could be made, as an error that names the way out.
import { errors } from "@nats-io/nats-core";
import { BeamlineError, reasonOf } from "../errors.ts";
import { type NatsOptions, withoutLogin } from "./client-options.ts";

/** What Node says of a server certificate that it does not accept (nodejs.org/api/tls.html, "X509 certificate error codes"). */
const CERTIFICATE_CODES: ReadonlySet<string> = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "CERT_SIGNATURE_FAILURE",
  "CERT_NOT_YET_VALID",
  "CERT_HAS_EXPIRED",
  "CERT_UNTRUSTED",
  "INVALID_CA",
  "ERR_TLS_CERT_ALTNAME_INVALID",
]);

/** Trying again with the same credentials changes nothing. */
export function isAuthorizationError(error: unknown): boolean {
  return error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError;
}

export function notAuthorized(options: NatsOptions, cause: unknown): BeamlineError {
  const message = `NATS at ${withoutLogin(options.url)} refuses the credentials: ${reasonOf(cause)}`;
  return new BeamlineError("PERMISSION_DENIED", message, {
    hint: "Check user and password, token or credentials file.",
    cause,
  });
}

/** After the time to connect is over: a certificate that cannot be verified, or no answer that can be used. */
export function notConnected(options: NatsOptions, cause: unknown): BeamlineError {
  const where = `NATS at ${withoutLogin(options.url)}`;
  if (isCertificateError(cause)) return notVerified(where, options, cause);
  const message = `${where} did not answer within ${options.timeoutMs} ms: ${reasonOf(cause)}`;
  // A server that asks for a client certificate and gets none, or one of another CA, ends the connection without a word.
  const certificate =
    options.tls?.certFile === undefined
      ? "If it verifies clients, name a client certificate and its key."
      : "If it verifies clients, check that its CA has signed the client certificate.";
  return new BeamlineError("NATS_UNREACHABLE", message, {
    hint: `Check the URL and that nats-server runs there. ${options.tls === undefined ? "" : certificate}`.trimEnd(),
    cause,
  });
}

function notVerified(where: string, { tls }: NatsOptions, cause: unknown): BeamlineError {
  const by = tls?.caFile === undefined ? "the certificates that Node knows" : `CA file ${tls.caFile}`;
  return new BeamlineError(
    "CONFIG_INVALID",
    `${where} has a certificate that ${by} cannot verify: ${reasonOf(cause)}`,
    {
      hint: "Name the CA that signed it with BEAMLINE_NATS_TLS_CA_FILE, and a host that it was made for.",
      cause,
    },
  );
}

function isCertificateError(error: unknown): boolean {
  return error instanceof Error && "code" in error && CERTIFICATE_CODES.has(String(error.code));
}
