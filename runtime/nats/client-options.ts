// How a NATS connection is asked for: addresses, credentials, and the client settings that Beamline fixes.
import type { NodeConnectionOptions } from "@nats-io/transport-node";
import { BeamlineError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { fileAuthenticator } from "./credentials-file.ts";
import { checkTlsFiles, type NatsTls } from "./tls-files.ts";

export interface NatsOptions {
  /** `nats://host:port` or `tls://…`; several, comma-separated, of one cluster. May carry `user:password@` or `token@`. */
  readonly url: string;
  /** Name of the connection, as the server's monitoring shows it. */
  readonly name: string;
  /** A `.creds` file, read again at each reconnect so that it may be rotated. */
  readonly credentialsFile?: string;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  /** Files, read again at each reconnect as well. */
  readonly tls?: NatsTls;
  /** How long to try before the first connection is given up. Later ones are tried for ever. */
  readonly timeoutMs: number;
  /** Whether a server older than MINIMUM_NATS_VERSION is refused; true when absent. */
  readonly requireVersion?: boolean;
  readonly log: Logger;
}

const RECONNECT_DELAY_MS = 250;
/** A connection whose peer vanished without a word is found after three of these at most. */
const PING_INTERVAL_MS = 10_000;
const MAX_UNANSWERED_PINGS = 2;
const MAX_SERVERS = 32;

/** Settings for the client library. Throws BeamlineError CONFIG_INVALID for a URL or a file that cannot be used. */
export function clientOptions(options: NatsOptions): NodeConnectionOptions {
  const { servers, user, pass, token } = parseServers(options.url);
  const client: NodeConnectionOptions = {
    servers,
    name: options.name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_DELAY_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: MAX_UNANSWERED_PINGS,
    // Credentials may be wrong for a moment while they are rotated: that must not end a running process.
    ignoreAuthErrorAbort: true,
    // An Error with its stack for every request costs more than the request (measured).
    noAsyncTraces: true,
  };
  const userName = options.user ?? user;
  const password = options.pass ?? pass;
  const secret = options.token ?? token;
  if (userName !== undefined) client.user = userName;
  if (password !== undefined) client.pass = password;
  if (secret !== undefined) client.token = secret;
  if (options.tls !== undefined) {
    checkTlsFiles(options.tls);
    client.tls = { ...options.tls };
  }
  if (options.credentialsFile !== undefined) client.authenticator = fileAuthenticator(options.credentialsFile);
  return client;
}

interface ServerList {
  readonly servers: string[];
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
}

/** The client library takes no credentials in URLs: they are taken out here. The first URL that has some decides. */
function parseServers(text: string): ServerList {
  const parts = text.split(",").map((part) => part.trim());
  const servers: string[] = [];
  let login: Omit<ServerList, "servers"> = {};
  if (parts.length > MAX_SERVERS) throw badUrl(text, `names more than ${MAX_SERVERS} servers`);
  for (const part of parts) {
    const withScheme = part.includes("://") ? part : `nats://${part}`;
    if (!URL.canParse(withScheme)) throw badUrl(part, "is not a URL");
    const url = new URL(withScheme);
    if (url.protocol !== "nats:" && url.protocol !== "tls:")
      throw badUrl(part, "does not begin with nats:// or tls://");
    if (url.hostname === "") throw badUrl(part, "names no host");
    if (url.username !== "" && Object.keys(login).length === 0) {
      const name = decodeURIComponent(url.username);
      login = url.password === "" ? { token: name } : { user: name, pass: decodeURIComponent(url.password) };
    }
    servers.push(`${url.protocol}//${url.host}`);
  }
  return { servers, ...login };
}

function badUrl(url: string, rule: string): BeamlineError {
  return new BeamlineError("CONFIG_INVALID", `NATS URL "${withoutLogin(url)}" ${rule}`, {
    hint: "Write it as nats://host:4222, several of one cluster separated by commas.",
  });
}

/** A URL, or several, as it may be shown. */
export function withoutLogin(url: string): string {
  return url.replaceAll(/\/\/[^/,]*@/g, "//");
}
