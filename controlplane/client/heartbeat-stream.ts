// One stream of heartbeats on one connection; each is answered in order.
import type { ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import type {
  Heartbeat,
  HeartbeatsRequest,
  HeartbeatsResponse,
} from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import { CallProblem, callProblem, codeName } from "./call-problem.ts";
import type { Channel } from "./connection.ts";

interface Pending {
  readonly resolve: (answer: CallProblem | undefined) => void;
  readonly reject: (problem: CallProblem) => void;
}

/** What an answer says of the one heartbeat that was sent: nothing when it was taken. */
export function readAnswer({ failures }: Pick<HeartbeatsResponse, "failures">): CallProblem | undefined {
  const [failure] = failures;
  if (failure === undefined) return undefined;
  return new CallProblem(codeName(failure.code), failure.message, { reason: failure.reason });
}

export class HeartbeatStream {
  readonly channel: Channel;
  private readonly stream: ClientDuplexStream<HeartbeatsRequest, HeartbeatsResponse>;
  /** Bounded by the components of the connection: each waits for its answer before it sends again. */
  private readonly pending: Pending[] = [];
  private endedBy: CallProblem | undefined;

  constructor(channel: Channel) {
    this.channel = channel;
    this.stream = channel.bidiStream(RegistryService.heartbeats);
    this.stream.on("data", (response: HeartbeatsResponse) => this.pending.shift()?.resolve(readAnswer(response)));
    this.stream.on("error", (error: ServiceError) => this.end(callProblem(error)));
    this.stream.on("end", () => this.end(new CallProblem("UNAVAILABLE", "the stream of heartbeats ended")));
  }

  get ended(): boolean {
    return this.endedBy !== undefined;
  }

  /** Resolves to the answer. Rejects when the stream fails, and gives it up after `timeoutMs` without an answer. */
  async send(heartbeat: Heartbeat, timeoutMs: number): Promise<CallProblem | undefined> {
    if (this.endedBy !== undefined) throw this.endedBy;
    const timer = setTimeout(() => this.giveUp(timeoutMs), timeoutMs);
    try {
      return await new Promise((resolve, reject) => {
        this.pending.push({ resolve, reject });
        this.stream.write({ heartbeats: [heartbeat] });
      });
    } finally {
      clearTimeout(timer);
    }
  }

  private giveUp(timeoutMs: number): void {
    this.end(new CallProblem("DEADLINE_EXCEEDED", `no answer to a heartbeat within ${Math.round(timeoutMs)} ms`));
    this.stream.cancel();
  }

  private end(problem: CallProblem): void {
    if (this.endedBy !== undefined) return;
    this.endedBy = problem;
    for (const { reject } of this.pending.splice(0)) reject(problem);
  }
}
