// How a control plane is reached and as whom: checked when a program starts, so that a mistake is told where it was made.
import { readFileSync } from "node:fs";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";

export interface TlsOptions {
  /** Authorities of the control plane's certificate (PEM file); those of the system when absent. */
  readonly caFile?: string;
  /** Certificate and key of this client (PEM files), where client certificates are asked for. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** Name that the control plane's certificate is for, when it is not that of the address. */
  readonly serverName?: string;
}

export interface ControlPlaneOptions {
  /** host:port of the replicas; any of them will do. */
  readonly addresses: readonly string[];
  /** Plaintext when absent. */
  readonly tls?: TlsOptions;
  /** Bearer token or API key. A function is asked before each call, for tokens that are renewed in a file. */
  readonly token?: string | (() => string);
  /** Sends the token in plaintext to other machines too. */
  readonly allowPlaintextToken?: boolean;
}

const MAX_ADDRESSES = 16;
const ADDRESS = /^(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):\d{1,5}$/;
const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\]):\d+$/;

/** Throws an Error that names the option, the value and the rule. */
export function checkOptions({ addresses, tls, token, allowPlaintextToken }: ControlPlaneOptions): void {
  if (addresses.length < 1 || addresses.length > MAX_ADDRESSES)
    throw new Error(`addresses has ${addresses.length} entries; there must be 1 to ${MAX_ADDRESSES}`);
  const bad = addresses.find((address) => !ADDRESS.test(address));
  if (bad !== undefined) throw new Error(`addresses has "${bad}"; each must be host:port`);
  if ((tls?.certFile === undefined) !== (tls?.keyFile === undefined))
    throw new Error("tls.certFile and tls.keyFile must be given together");
  if (token === undefined || tls !== undefined || allowPlaintextToken === true) return;
  const remote = addresses.find((address) => !LOOPBACK.test(address));
  if (remote !== undefined)
    throw new Error(`the token would go to ${remote} in plaintext; give tls, or allowPlaintextToken: true`);
}

/** Read at each new connection, so that rotated files count from then on. */
export function channelCredentials(tls: TlsOptions | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const read = (file: string | undefined): Buffer | null => (file === undefined ? null : readFileSync(file));
  return credentials.createSsl(read(tls.caFile), read(tls.keyFile), read(tls.certFile));
}
