// How the server proves itself and what it asks of clients: plaintext, TLS, or TLS with client certificates.
import { experimental, ServerCredentials } from "@grpc/grpc-js";
import type { Logger } from "../runtime/log.ts";
import { CertificateFiles, type TlsFiles } from "./certificate-files.ts";

/** Certificate files are read again so often; a rotated one is in force for new connections after that. */
const TLS_REFRESH_MS = 10_000;

/** Plaintext without `files`. Throws BeamlineError INPUT_MISSING or CONFIG_INVALID with the name of the file that is wrong. */
export async function createCredentials(
  files: TlsFiles | undefined,
  options: { readonly log: Logger; readonly refreshMs?: number },
): Promise<ServerCredentials> {
  if (files === undefined) return ServerCredentials.createInsecure();
  const { log, refreshMs = TLS_REFRESH_MS } = options;
  const provider = await CertificateFiles.open(files, { log, refreshMs });
  // The identity comes first: the declaration of grpc-js 1.14 names these two parameters the other way round.
  const authorities = files.clientCaFile === undefined ? null : provider;
  return experimental.createCertificateProviderServerCredentials(provider, authorities, authorities !== null);
}
