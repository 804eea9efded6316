// grpc.health.v1.Health of a processor: whether it takes messages.
import { type ServerWritableStream, status } from "@grpc/grpc-js";
import type { HealthServer } from "../../proto/gen/grpc/grpc/health/v1/health.ts";
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../proto/gen/messages/grpc/health/v1/health.ts";

type HealthStream = ServerWritableStream<HealthCheckRequest, HealthCheckResponse>;

const MAX_WATCHES = 100;

export class ServingHealth {
  private readonly names: readonly string[];
  private readonly watches = new Set<HealthStream>();
  private serving = true;

  /** `services` by their full names; the empty name, of the whole server, is always one. */
  constructor(services: readonly string[]) {
    this.names = ["", ...services];
  }

  setServing(serving: boolean): void {
    if (serving === this.serving) return;
    this.serving = serving;
    for (const watch of this.watches)
      if (this.names.includes(watch.request.service)) watch.write({ status: this.status });
  }

  /** Ends the watches: they would hold a stop up. */
  end(): void {
    for (const watch of this.watches) watch.end();
  }

  implementation(): HealthServer {
    return {
      check: ({ request: { service } }, callback) => {
        if (this.names.includes(service)) callback(null, { status: this.status });
        else callback({ code: status.NOT_FOUND, details: `this server has no service "${service}"` });
      },
      list: (_call, callback) =>
        callback(null, { statuses: Object.fromEntries(this.names.map((name) => [name, { status: this.status }])) }),
      watch: (stream) => this.watch(stream),
    };
  }

  private get status(): ServingStatus {
    return this.serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  }

  private watch(stream: HealthStream): void {
    if (this.watches.size >= MAX_WATCHES) {
      stream.emit("error", { code: status.RESOURCE_EXHAUSTED, details: `${MAX_WATCHES} watches are open already` });
      return;
    }
    this.watches.add(stream);
    stream.once("cancelled", () => this.watches.delete(stream));
    stream.once("close", () => this.watches.delete(stream));
    // As the protocol wants it: the watch stays open, for a service that may come.
    const isKnown = this.names.includes(stream.request.service);
    stream.write({ status: isKnown ? this.status : ServingStatus.SERVICE_UNKNOWN });
  }
}
