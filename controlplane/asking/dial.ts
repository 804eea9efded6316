// A connection to the endpoint that a component registered: resolved here, so that what was judged is what is dialled.
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { Client, credentials } from "@grpc/grpc-js";
import { readGrpcEndpoint, splitTarget } from "../../core/registry/grpc-endpoint.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { reasonOf } from "../../runtime/errors.ts";
import type { DialRules } from "./dial-rules.ts";

/** Why there is no connection: `refused` will not change by itself. */
export interface NotDialled {
  readonly kind: "refused" | "unresolved";
  readonly reason: string;
}

/** An answer about a component is small; whoever sends more is not asked again. */
const MAX_ANSWER_BYTES = 65_536;

/** Every address of a name must be allowed: which one is dialled must not be up to chance. */
export async function dial(endpoint: string, rules: DialRules): Promise<Result<Client, NotDialled>> {
  const read = readGrpcEndpoint(endpoint);
  if (!read.ok) return err({ kind: "refused", reason: read.error });
  const place = splitTarget(read.value.target);
  if (place === undefined) return err({ kind: "refused", reason: "its endpoint names no host and port" });
  const { host, port } = place;
  const addresses = await resolve(host);
  if (!addresses.ok) return addresses;
  for (const address of addresses.value) {
    const refusal = rules.refusal(host, address);
    if (refusal !== undefined) return err({ kind: "refused", reason: refusal });
  }
  const [first] = addresses.value;
  if (first === undefined) return err({ kind: "unresolved", reason: `${host} has no address` });
  const { secure } = read.value;
  const target = isIP(first) === 6 ? `ipv6:[${first}]:${port}` : `ipv4:${first}:${port}`;
  const channel = secure ? credentials.createSsl() : credentials.createInsecure();
  return ok(new Client(target, channel, { ...CHANNEL_OPTIONS, ...namedOptions(host, port, secure) }));
}

const CHANNEL_OPTIONS = {
  "grpc.max_receive_message_length": MAX_ANSWER_BYTES,
  // A proxy from the environment would dial in our place, and judge nothing.
  "grpc.enable_http_proxy": 0,
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_retries": 0,
  "grpc.service_config_disable_resolution": 1,
};

/** The server is to be the one of that name, although its address is dialled. */
function namedOptions(host: string, port: number, secure: boolean): Readonly<Record<string, string>> {
  if (isIP(host) !== 0) return {};
  const authority = { "grpc.default_authority": `${host}:${port}` };
  return secure ? { ...authority, "grpc.ssl_target_name_override": host } : authority;
}

async function resolve(host: string): Promise<Result<readonly string[], NotDialled>> {
  if (isIP(host) !== 0) return ok([host]);
  try {
    const found = await lookup(host, { all: true });
    return ok(found.map(({ address }) => address));
  } catch (error) {
    return err({ kind: "unresolved", reason: reasonOf(error) });
  }
}
