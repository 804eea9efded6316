// Who a call comes from: the bearer token that it carries, else the certificate of its connection.
import { hash } from "node:crypto";
import { err } from "../../core/result.ts";
import type { CallFailure } from "../call-failure.ts";
import type { Admission, Authenticate, IncomingCall } from "./access-control.ts";
import { type CertificateReader, readCertificate } from "./certificate-identity.ts";

/** Somebody who knows bearer tokens: a file of keys, or the API server of a cluster. */
export interface TokenSource {
  /** By the token's digest and, for who has to ask somebody else, the token itself. */
  find(digest: string, token: string): Admission | Promise<Admission>;
}

export interface AuthenticateOptions {
  /** Absent where only certificates count. */
  readonly tokens?: TokenSource;
  /** Makes a caller of a certificate; absent where the server asks for none. */
  readonly certificates?: CertificateReader;
}

const BEARER = /^bearer +([\w.~+/=-]+)$/i;
/** A token of a service account has about 1 KB. */
const MAX_TOKEN_LENGTH = 8_192;

export function createAuthenticate({ tokens, certificates }: AuthenticateOptions): Authenticate {
  const expected = [
    ...(tokens === undefined ? [] : [BEARER_HINT]),
    ...(certificates === undefined ? [] : [CERTIFICATE_HINT]),
  ];
  const nobody = unauthenticated(`nothing says who calls: send ${expected.join(", or ")}`);
  return (call) => {
    if (tokens !== undefined) {
      const [header] = call.metadata.get("authorization");
      if (typeof header === "string") {
        const token = BEARER.exec(header)?.[1];
        if (token === undefined || token.length > MAX_TOKEN_LENGTH) return MALFORMED;
        return tokens.find(digestOf(token), token);
      }
    }
    return fromCertificate(call, certificates) ?? nobody;
  };
}

const BEARER_HINT = "metadata `authorization: Bearer <key or token>`";
const CERTIFICATE_HINT = "a client certificate";
const MALFORMED = unauthenticated("metadata `authorization` must be `Bearer` and one token");

function fromCertificate(call: IncomingCall, certificates: CertificateReader | undefined): Admission | undefined {
  if (certificates === undefined) return undefined;
  const { sslPeerCertificate } = call.getAuthContext();
  if (typeof sslPeerCertificate !== "object" || sslPeerCertificate === null) return undefined;
  return readCertificate(sslPeerCertificate, certificates);
}

/** What tokens are known by in memory, instead of themselves. */
export function digestOf(token: string): string {
  return hash("sha256", token, "hex");
}

export function unauthenticated(message: string): { readonly ok: false; readonly error: CallFailure } {
  return err({ cause: "UNAUTHENTICATED", message });
}
