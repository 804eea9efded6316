// Connections to processors by endpoint: made when first called, idle ones dropped, as many as are named here.
import { readFileSync } from "node:fs";
import { type ChannelOptions, Client, credentials } from "@grpc/grpc-js";
import { readGrpcEndpoint } from "../../core/registry/grpc-endpoint.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { BeamlineError, reasonOf } from "../../runtime/errors.ts";

export interface ChannelsOptions {
  /** Certificate authorities that processors over TLS are judged by, PEM; those of Node.js when absent. */
  readonly caFile?: string | undefined;
  /** Largest message, either way. */
  readonly maxMessageBytes: number;
  readonly maxChannels?: number;
}

interface Channel {
  readonly client: Client;
  calls: number;
}

const MAX_CHANNELS = 256;
/** A channel without calls gives its connection back after this; the next call connects again. */
const IDLE_MS = 60_000;
/** A connection on which calls wait is probed, so that a host that vanished is noticed before their deadlines. */
const KEEPALIVE_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 5_000;
const FIRST_RECONNECT_MS = 100;
const MAX_RECONNECT_MS = 2_000;

/** Clients of grpc-js by endpoint. Calls of one endpoint share its connection. */
export class Channels {
  private readonly options: ChannelsOptions;
  /** Least recently used first. */
  private readonly channels = new Map<string, Channel>();

  constructor(options: ChannelsOptions) {
    this.options = options;
    if (options.caFile !== undefined) readAuthorities(options.caFile);
  }

  get size(): number {
    return this.channels.size;
  }

  /** The client for an endpoint until `release`, or why there is none. */
  take(endpoint: string): Result<Client, string> {
    const channel = this.channels.get(endpoint);
    if (channel === undefined) return this.open(endpoint);
    this.channels.delete(endpoint);
    this.channels.set(endpoint, channel);
    channel.calls++;
    return ok(channel.client);
  }

  release(endpoint: string): void {
    const channel = this.channels.get(endpoint);
    if (channel !== undefined) channel.calls--;
  }

  close(): void {
    for (const { client } of this.channels.values()) client.close();
    this.channels.clear();
  }

  private open(endpoint: string): Result<Client, string> {
    const read = readGrpcEndpoint(endpoint);
    if (!read.ok) return read;
    const { maxChannels = MAX_CHANNELS } = this.options;
    if (this.channels.size >= maxChannels && !this.closeOneUnused())
      return err(`calls to ${maxChannels} other endpoints are under way`);
    const { target, secure } = read.value;
    try {
      const client = new Client(target, this.credentials(secure), this.channelOptions());
      this.channels.set(endpoint, { client, calls: 1 });
      return ok(client);
    } catch (error) {
      // Authorities that were replaced by something else since the start; a target that grpc-js does not take.
      return err(reasonOf(error));
    }
  }

  private closeOneUnused(): boolean {
    for (const [endpoint, { client, calls }] of this.channels) {
      if (calls > 0) continue;
      client.close();
      this.channels.delete(endpoint);
      return true;
    }
    return false;
  }

  private credentials(secure: boolean) {
    if (!secure) return credentials.createInsecure();
    const { caFile } = this.options;
    return credentials.createSsl(caFile === undefined ? null : readAuthorities(caFile));
  }

  private channelOptions(): ChannelOptions {
    const { maxMessageBytes } = this.options;
    return {
      "grpc.client_idle_timeout_ms": IDLE_MS,
      "grpc.keepalive_time_ms": KEEPALIVE_MS,
      "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
      "grpc.initial_reconnect_backoff_ms": FIRST_RECONNECT_MS,
      "grpc.max_reconnect_backoff_ms": MAX_RECONNECT_MS,
      "grpc.max_receive_message_length": maxMessageBytes,
      "grpc.max_send_message_length": maxMessageBytes,
      // Policies say how often a call is tried; a TXT record of the name does not.
      "grpc.service_config_disable_resolution": 1,
      "grpc.enable_retries": 0,
      "grpc.enable_http_proxy": 0,
      "grpc.enable_channelz": 0,
    };
  }
}

function readAuthorities(path: string): Buffer {
  const wayOut = { hint: "Name a PEM file of certificate authorities, or leave it out to use those of Node.js." };
  let content: Buffer;
  try {
    content = readFileSync(path);
  } catch (error) {
    throw new BeamlineError("CONFIG_INVALID", `processor CA file ${path} cannot be read: ${reasonOf(error)}`, wayOut);
  }
  if (content.includes("-----BEGIN CERTIFICATE-----")) return content;
  throw new BeamlineError("CONFIG_INVALID", `processor CA file ${path} holds no certificate`, wayOut);
}
