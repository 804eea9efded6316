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
import { SERVED } from "../served.ts";

type HealthStream = ServerWritableStream<HealthCheckRequest, HealthCheckResponse>;

/** The whole server, and each of its services. */
const NAMES = ["", ...SERVED.map(({ name }) => name)];
const PATH = "/grpc.health.v1.Health";

export interface HealthOptions {
  readonly frame: CallFrame;
  readonly maxWatches: number;
}

export class HealthService {
  private readonly options: HealthOptions;
  private status: ServingStatus = ServingStatus.SERVING;
  private readonly watches = new Set<(failure?: CallFailure) => void>();

  constructor(options: HealthOptions) {
    this.options = options;
  }

  /** Every service takes calls, or none does: they share one registry. */
  setServing(serving: boolean): void {
    const status = serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
    if (status === this.status) return;
    this.status = status;
    for (const tell of this.watches) tell();
  }

  /** Ends the watches, so that the server can close. */
  stop(): void {
    const message = "the control plane is ending";
    for (const tell of this.watches) tell({ cause: "STOPPING", message });
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
    if (this.watches.size >= this.options.maxWatches) {
      const message = `${this.options.maxWatches} health watches are open`;
      return Promise.resolve({ cause: "TOO_MANY_WATCHES", message });
    }
    return new Promise((resolve) => {
      const tell = (failure?: CallFailure): void => {
        if (failure !== undefined) end(failure);
        else stream.write({ status: NAMES.includes(service) ? this.status : ServingStatus.SERVICE_UNKNOWN });
      };
      const end = (failure?: CallFailure): void => {
        this.watches.delete(tell);
        resolve(failure);
      };
      this.watches.add(tell);
      stream.once("cancelled", () => end());
      tell();
    });
  }
}
