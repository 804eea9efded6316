// Certificate files that rotate: read again from time to time, and put in force only when they fit together.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { experimental } from "@grpc/grpc-js";
import { BeamlineError, reasonOf } from "../runtime/errors.ts";
import type { Logger } from "../runtime/log.ts";

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** When set, clients must show a certificate of one of these authorities. */
  readonly clientCaFile?: string;
}

interface Loaded {
  readonly identity: { readonly certificate: Buffer; readonly privateKey: Buffer };
  readonly authority: { readonly caCertificate: Buffer } | null;
}

type IdentityListener = Parameters<experimental.CertificateProvider["addIdentityCertificateListener"]>[0];
type AuthorityListener = Parameters<experimental.CertificateProvider["addCaCertificateListener"]>[0];

/**
 * What the server of grpc-js asks for its certificates. The provider of grpc-js would put a certificate in force with the key
 * of the one before, when it reads in the middle of a rotation, and none at all while a file is missing.
 */
export class CertificateFiles implements experimental.CertificateProvider {
  private readonly files: TlsFiles;
  private readonly refreshMs: number;
  private readonly log: Logger;
  private loaded: Loaded;
  private timer: NodeJS.Timeout | undefined;
  private readonly identityListeners = new Set<IdentityListener>();
  private readonly authorityListeners = new Set<AuthorityListener>();

  private constructor(files: TlsFiles, loaded: Loaded, options: { readonly refreshMs: number; readonly log: Logger }) {
    this.files = files;
    this.loaded = loaded;
    this.refreshMs = options.refreshMs;
    this.log = options.log;
  }

  /** Throws BeamlineError INPUT_MISSING or CONFIG_INVALID with the name of the file that is wrong. */
  static async open(
    files: TlsFiles,
    options: { readonly refreshMs: number; readonly log: Logger },
  ): Promise<CertificateFiles> {
    return new CertificateFiles(files, await load(files), options);
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.identityListeners.add(listener);
    // Not at once: grpc-js adds the server that wants to hear of it after this call.
    process.nextTick(() => listener(this.loaded.identity));
    this.watch();
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.identityListeners.delete(listener);
    this.watch();
  }

  addCaCertificateListener(listener: AuthorityListener): void {
    this.authorityListeners.add(listener);
    process.nextTick(() => listener(this.loaded.authority));
    this.watch();
  }

  removeCaCertificateListener(listener: AuthorityListener): void {
    this.authorityListeners.delete(listener);
    this.watch();
  }

  /** Reads the files for as long as a server listens. */
  private watch(): void {
    const wanted = this.identityListeners.size + this.authorityListeners.size > 0;
    if (wanted) this.timer ??= setInterval(() => void this.refresh(), this.refreshMs);
    else {
      clearInterval(this.timer);
      this.timer = undefined;
    }
  }

  private async refresh(): Promise<void> {
    try {
      const loaded = await load(this.files);
      if (isSame(loaded, this.loaded)) return;
      this.loaded = loaded;
      for (const listener of this.identityListeners) listener(loaded.identity);
      for (const listener of this.authorityListeners) listener(loaded.authority);
      this.log.info("certificate rotated", { file: this.files.certFile });
    } catch (error) {
      this.log.warn("certificate files not taken", { reason: reasonOf(error) });
    }
  }
}

async function load({ certFile, keyFile, clientCaFile }: TlsFiles): Promise<Loaded> {
  const [certificate, privateKey] = await Promise.all([readPem(certFile), readPem(keyFile)]);
  const parsed = judge(certFile, "a certificate", () => new X509Certificate(certificate));
  const key = judge(keyFile, "a private key", () => createPrivateKey(privateKey));
  if (!parsed.checkPrivateKey(key))
    throw new BeamlineError("CONFIG_INVALID", `${keyFile} is not the key of the certificate in ${certFile}`);
  const identity = { certificate, privateKey };
  if (clientCaFile === undefined) return { identity, authority: null };
  const caCertificate = await readPem(clientCaFile);
  judge(clientCaFile, "a certificate", () => new X509Certificate(caCertificate));
  return { identity, authority: { caCertificate } };
}

function isSame(left: Loaded, right: Loaded): boolean {
  return (
    left.identity.certificate.equals(right.identity.certificate) &&
    left.identity.privateKey.equals(right.identity.privateKey) &&
    (left.authority?.caCertificate.equals(right.authority?.caCertificate ?? Buffer.alloc(0)) ?? true)
  );
}

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
    const reason = `${path} does not hold ${what} in PEM: ${reasonOf(error)}`;
    throw new BeamlineError("CONFIG_INVALID", reason, { cause: error });
  }
}
