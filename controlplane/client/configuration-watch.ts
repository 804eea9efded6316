// Follows what a component shall run with: each revision is given to the component once, and its word on it is kept.
import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import type {
  ConfigurationReport,
  WatchConfigurationResponse,
} from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import { retryDelayMs } from "./backoff.ts";
import { callProblem } from "./call-problem.ts";
import type { Channel, Connection } from "./connection.ts";
import type { EventListener } from "./events.ts";
import { KINDS, type Kind } from "./registration.ts";
import { Wakeable } from "./wakeable.ts";

/** Applies a configuration; throws, or rejects, to refuse it with that reason. */
export type ConfigurationCallback = (
  configuration: Readonly<Record<string, unknown>>,
  revision: bigint,
) => void | Promise<void>;

export interface AppliedConfiguration {
  readonly revision: bigint;
  readonly configuration: Readonly<Record<string, unknown>>;
}

export interface ConfigurationWatchOptions {
  readonly connection: Connection;
  readonly apply: ConfigurationCallback;
  readonly tell: EventListener;
  /** There is something new to report. */
  readonly onReport: () => void;
}

const MAX_ERROR_CHARS = 1_024;

export class ConfigurationWatch {
  private readonly options: ConfigurationWatchOptions;
  private readonly ended = new Wakeable();
  private stopped = false;
  private stream: ClientReadableStream<WatchConfigurationResponse> | undefined;
  /** The newest that was not looked at yet; those between are left out. */
  private next: WatchConfigurationResponse | undefined;
  private applying = false;
  /** Revision and digest of the last one looked at: a reopened watch sends it again. */
  private seen = "";
  private good: AppliedConfiguration | undefined;
  private refused: { readonly revision: bigint; readonly error: string } | undefined;

  constructor(options: ConfigurationWatchOptions) {
    this.options = options;
  }

  /** The last one that the component took. */
  get lastGood(): AppliedConfiguration | undefined {
    return this.good;
  }

  /** For the heartbeat; nothing before the first configuration. */
  get report(): ConfigurationReport | undefined {
    if (this.good === undefined && this.refused === undefined) return undefined;
    const { revision: refusedRevision, error } = this.refused ?? { revision: 0n, error: "" };
    return { appliedRevision: this.good?.revision ?? 0n, refusedRevision, error };
  }

  /** Follows until stopped; never rejects. */
  async follow(kind: Kind, id: () => string): Promise<void> {
    for (let attempt = 0; !this.stopped; attempt += 1) {
      try {
        const request = { kind: KINDS[kind], id: id() };
        await this.options.connection.use((channel) => {
          return this.read(channel, request, () => {
            attempt = 0;
          });
        });
      } catch {
        // Whether the control plane is there is told by the heartbeats. Not yet registered, or no such call: tried again.
      }
      if (!this.stopped) await this.ended.wait(retryDelayMs(attempt, Math.random()));
    }
  }

  stop(): void {
    this.stopped = true;
    this.stream?.cancel();
    this.ended.wake();
  }

  private read(
    channel: Channel,
    request: { readonly kind: (typeof KINDS)[Kind]; readonly id: string },
    onMessage: () => void,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const stream = channel.serverStream(RegistryService.watchConfiguration, request);
      this.stream = stream;
      stream.on("data", (response: WatchConfigurationResponse) => {
        onMessage();
        this.next = response;
        void this.applyNext();
      });
      stream.on("error", (error: ServiceError) => reject(callProblem(error)));
      stream.on("end", resolve);
    });
  }

  /** One at a time, in order; never rejects. */
  private async applyNext(): Promise<void> {
    if (this.applying) return;
    this.applying = true;
    for (let response = this.take(); response !== undefined && !this.stopped; response = this.take()) {
      await this.applyOne(response);
    }
    this.applying = false;
  }

  private take(): WatchConfigurationResponse | undefined {
    const response = this.next;
    this.next = undefined;
    return response;
  }

  private async applyOne({ revision, digest, configuration = {} }: WatchConfigurationResponse): Promise<void> {
    const seen = `${revision} ${digest}`;
    if (revision === 0n || seen === this.seen) return;
    const { apply, tell, onReport } = this.options;
    this.seen = seen;
    try {
      await apply(configuration, revision);
      this.good = { revision, configuration };
      this.refused = undefined;
      tell({ kind: "configurationApplied", revision });
    } catch (thrown) {
      const error = (thrown instanceof Error ? thrown.message : String(thrown)).slice(0, MAX_ERROR_CHARS);
      this.refused = { revision, error };
      tell({ kind: "configurationRefused", revision, error });
    }
    onReport();
  }
}
