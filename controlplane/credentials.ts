// How the server proves itself and what it asks of clients: plaintext, TLS, or TLS with client certificates, from files that may rotate.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { experimental, ServerCredentials } from "@grpc/grpc-js";
import { BeamlineError, reasonOf } from "../runtime/errors.ts";

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** When set, clients must show a certificate of one of these authorities. */
  readonly clientCaFile?: string;
}

/** Certificate files are read again so often; a rotated one is in force for new connections after that. */
export const TLS_REFRESH_MS = 10_000;

/**
 * Plaintext without `files`. The files are read and judged here once, so that a wrong one fails the start with its name;
 * throws BeamlineError INPUT_MISSING or CONFIG_INVALID.
 */
export async function createCredentials(
  files?: TlsFiles,
  refreshIntervalMs = TLS_REFRESH_MS,
): Promise<ServerCredentials> {
  if (files === undefined) return ServerCredentials.createInsecure();
  const { certFile, keyFile, clientCaFile } = files;
  const [cert, key] = await Promise.all([readPem(certFile), readPem(keyFile)]);
  const certificate = judge(certFile, "a certificate", () => new X509Certificate(cert));
  const privateKey = judge(keyFile, "a private key", () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new BeamlineError("CONFIG_INVALID", `${keyFile} is not the key of the certificate in ${certFile}`);
  }
  const identity = new experimental.FileWatcherCertificateProvider({
    certificateFile: certFile,
    privateKeyFile: keyFile,
    refreshIntervalMs,
    ...(clientCaFile === undefined ? {} : { caCertificateFile: clientCaFile }),
  });
  if (clientCaFile === undefined) return createFromProvider(identity, null, false);
  const authority = await readPem(clientCaFile);
  judge(clientCaFile, "a certificate", () => new X509Certificate(authority));
  return createFromProvider(identity, identity, true);
}

const createFromProvider: (
  identity: experimental.CertificateProvider,
  authorities: experimental.CertificateProvider | null,
  requireClientCertificate: boolean,
) => ServerCredentials = experimental.createCertificateProviderServerCredentials;

async function readPem(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new BeamlineError("INPUT_MISSING", `${path} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

function judge<T>(path: string, what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new BeamlineError("CONFIG_INVALID", `${path} does not hold ${what} in PEM: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}
