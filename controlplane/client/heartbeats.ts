// Sends the heartbeats of all components of one connection: over a stream, and one by one where no stream is to be had.
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import type { Heartbeat } from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import type { CallProblem } from "./call-problem.ts";
import type { Channel, Connection } from "./connection.ts";
import { HeartbeatStream, readAnswer } from "./heartbeat-stream.ts";

/** After a stream was refused, so many heartbeats go one by one before the next stream is tried. */
const UNARY_AFTER_REFUSAL = 20;

export class Heartbeats {
  private readonly connection: Connection;
  private stream: HeartbeatStream | undefined;
  private unaryLeft = 0;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Resolves to what the control plane says of the heartbeat: nothing when it was taken. Rejects when it was not reached. */
  send(heartbeat: Heartbeat, timeoutMs: number): Promise<CallProblem | undefined> {
    return this.connection.use(async (channel) => {
      if (this.unaryLeft > 0) this.unaryLeft -= 1;
      else {
        try {
          return await this.streamOn(channel).send(heartbeat, timeoutMs);
        } catch (error) {
          const problem = error as CallProblem;
          // Who did not answer in time on a stream will not on a call.
          if (problem.code === "DEADLINE_EXCEEDED") throw problem;
          if (!problem.isOutage) this.unaryLeft = UNARY_AFTER_REFUSAL;
        }
      }
      const request = { heartbeats: [heartbeat] };
      return readAnswer(await channel.unary(RegistryService.batchHeartbeat, request, timeoutMs));
    });
  }

  private streamOn(channel: Channel): HeartbeatStream {
    if (this.stream === undefined || this.stream.ended || this.stream.channel !== channel)
      this.stream = new HeartbeatStream(channel);
    return this.stream;
  }
}
