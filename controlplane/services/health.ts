// grpc.health.v1.Health: whether the server and each of its services take calls.
import type { ServerWritableStream } from "@grpc/grpc-js";
import { err, ok } from "../../core/result.ts";
import type { HealthServer } from "../../proto/gen/grpc/grpc/health/v1/health.ts";
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../proto/gen/messages/grpc/health/v1/health.ts";
import type { CallFailure } from "../call-failure.ts";
import type { Answer, CallFrame } from "../call-frame.ts";
import type { OpenStream, OpenStreams } from "../open-streams.ts";
import { SERVED } from "../served.ts";

type HealthStream = ServerWritableStream<HealthCheckRequest, HealthCheckResponse>;

/** The whole server, and each of its services. */
const NAMES = ["", ...SERVED.map(({ name }) => name)];
const PATH = "/grpc.health.v1.Health";

export interface HealthOptions {
  readonly frame: CallFrame;
  readonly streams: OpenStreams;
}

export class HealthService {
  private readonly options: HealthOptions;
  private status: ServingStatus = ServingStatus.SERVING;
  private readonly watches = new Set<OpenStream<HealthCheckResponse>>();

  constructor(options: HealthOptions) {
    this.options = options;
  }

  /** Every service takes calls, or none does: they share one registry. */
  setServing(serving: boolean): void {
    const status = serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
    if (status === this.status) return;
    this.status = status;
    for (const watch of this.watches) watch.wake();
  }

  implementation(): HealthServer {
    const { frame } = this.options;
    return {
      check: frame.unary(`${PATH}/Check`, ({ service }) => this.check(service)),
      list: frame.unary(`${PATH}/List`, () =>
        ok({ statuses: Object.fromEntries(NAMES.map((name) => [name, { status: this.status }])) }),
      ),
      watch: frame.serverStream(`${PATH}/Watch`, ({ service }, stream) => this.watch(service, stream)),
    };
  }

  private check(service: string): Answer<HealthCheckResponse> {
    if (NAMES.includes(service)) return ok({ status: this.status });
    return err({ cause: "SERVICE_UNKNOWN", message: `this server has no service "${service}"` });
  }

  private watch(service: string, stream: HealthStream): Promise<CallFailure | undefined> {
    return this.options.streams.run<HealthCheckResponse>(stream, async (open) => {
      this.watches.add(open);
      try {
        let told: ServingStatus | undefined;
        while (open.ended === undefined) {
          const status = NAMES.includes(service) ? this.status : ServingStatus.SERVICE_UNKNOWN;
          if (status !== told) await open.write({ status });
          told = status;
          await open.woken();
        }
        return undefined;
      } finally {
        this.watches.delete(open);
      }
    });
  }
}
