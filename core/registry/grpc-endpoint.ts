// What the endpoint that a processor registered means to a gRPC client.

import { err, ok, type Result } from "../result.ts";
import { endpointProblem } from "./endpoint.ts";

export interface GrpcEndpoint {
  /** As grpc-js resolves it: the name is looked up again when a connection is lost. */
  readonly target: string;
  readonly secure: boolean;
}

const DNS_PREFIX = "dns:///";
const GRPC_URL = /^(grpcs?):\/\/([^/?]+:[0-9]+)(?:[/?].*)?$/;

/** `host:port`, `dns:///host:port`, `grpc://host:port` in plaintext, `grpcs://host:port` over TLS; else why it cannot be called. */
export function readGrpcEndpoint(endpoint: string): Result<GrpcEndpoint, string> {
  if (endpoint === "") return err("the processor registered without an endpoint");
  const problem = endpointProblem(endpoint);
  if (problem !== undefined) return err(`its endpoint ${problem.message}`);
  if (endpoint.startsWith(DNS_PREFIX)) return ok({ target: endpoint, secure: false });
  if (!endpoint.includes("://")) return ok({ target: DNS_PREFIX + endpoint, secure: false });
  const [, scheme, address] = GRPC_URL.exec(endpoint) ?? [];
  if (address === undefined) return err("its endpoint is not host:port, dns:///, grpc:// or grpcs:// with a port");
  return ok({ target: DNS_PREFIX + address, secure: scheme === "grpcs" });
}

const HOST_PORT = /^dns:\/\/\/(\[[^\]]+\]|[^:]+):([0-9]+)$/;

/** The parts of a target; a host in brackets without them. */
export function splitTarget(target: string): { readonly host: string; readonly port: number } | undefined {
  const [, host, port] = HOST_PORT.exec(target) ?? [];
  if (host === undefined || port === undefined) return undefined;
  return { host: host.replaceAll(/^\[|\]$/g, ""), port: Number(port) };
}
