// The certificates that a connection to NATS is made with: checked before the first one, read again by each later one.
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { BeamlineError, reasonOf } from "../errors.ts";

export interface NatsTls {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

const CERTIFICATE = "-----BEGIN CERTIFICATE-----";

/** Throws CONFIG_INVALID for a file that cannot be read or holds something else, and for a certificate without its key. */
export function checkTlsFiles({ caFile, certFile, keyFile }: NatsTls): void {
  if (caFile !== undefined) readCertificate("CA", caFile);
  if (certFile === undefined && keyFile === undefined) return;
  if (certFile === undefined || keyFile === undefined) {
    const alone = certFile === undefined ? `key ${keyFile}` : `certificate ${certFile}`;
    throw new BeamlineError("CONFIG_INVALID", `NATS client ${alone} stands alone`, {
      hint: "Name certificate and key, or neither of them.",
    });
  }
  const cert = readCertificate("client certificate", certFile);
  try {
    createSecureContext({ cert, key: read("client key", keyFile) });
  } catch (error) {
    if (error instanceof BeamlineError) throw error;
    throw new BeamlineError(
      "CONFIG_INVALID",
      `NATS client key ${keyFile} does not fit ${certFile}: ${reasonOf(error)}`,
      {
        hint: "Name the key that the certificate was made for, both in PEM.",
      },
    );
  }
}

function readCertificate(what: string, path: string): Buffer {
  const content = read(what, path);
  if (content.includes(CERTIFICATE)) return content;
  throw new BeamlineError("CONFIG_INVALID", `NATS ${what} file ${path} holds no certificate`, {
    hint: `Name a PEM file, in which ${CERTIFICATE} stands.`,
  });
}

function read(what: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new BeamlineError("CONFIG_INVALID", `NATS ${what} file ${path} cannot be read: ${reasonOf(error)}`, {
      hint: "Name a PEM file that this user can read.",
      cause: error,
    });
  }
}
