// Both ways in at a steady rate, and a worker, counted by phases.
import { eventually } from "../../support/await.ts";
import type { LoadCalls, LoadTarget, LoadTotals } from "./calls.ts";
import { ClientConnection } from "./connection.ts";
import { Phase, type PhaseReport } from "./phase.ts";
import { RequestLane } from "./request-lane.ts";
import { SubmitLane } from "./submit-lane.ts";
import { WorkerLane } from "./worker-lane.ts";

const TICK_MS = 5;
/** Of each way in; what is due beyond that waits, and its wait counts. */
const MAX_OPEN = 128;
/** What waits longer to be sent is held back: its producer would have stopped. It is counted, and never sent. */
const MAX_BEHIND_MS = 2_000;
const CHECK_MS = 100;

type Send = (index: number, dueMs: number, phase: Phase) => Promise<void>;

/** What is running once `start` has been called. */
interface Running {
  readonly submits: SubmitLane;
  readonly requests: RequestLane;
  readonly worker: WorkerLane;
}

export class Load implements Pick<LoadCalls, "begin" | "stop" | "totals"> {
  private running: Running | undefined;
  private phase = new Phase("between");
  private readonly timers: NodeJS.Timeout[] = [];

  async start(target: LoadTarget): Promise<void> {
    const { natsUrl, perSecond } = target;
    let connection: ClientConnection | undefined;
    const requests = new RequestLane(() => connection as ClientConnection, target);
    connection = await ClientConnection.open(natsUrl, { name: "load-producer", creds: target.producer }, () =>
      requests.failAll(),
    );
    requests.listen();
    const worker = new WorkerLane(await ClientConnection.open(natsUrl, { name: "load-worker", creds: target.worker }));
    worker.start();
    const submits = new SubmitLane(connection, target);
    this.running = { submits, requests, worker };
    const isUp = (): boolean => connection?.isUp() ?? false;
    this.pace(perSecond, isUp, (index, dueMs, phase) => submits.send(index, dueMs, phase));
    this.pace(perSecond, isUp, (index, dueMs, phase) => requests.send(index, dueMs, phase));
  }

  begin(name: string): void {
    this.phase.close();
    this.phase = new Phase(name);
  }

  async end(deadlineMs: number): Promise<PhaseReport> {
    const { worker } = this.required();
    const ended = this.phase;
    this.begin("between");
    const missing = (): readonly string[] => ended.missing((effectId) => worker.has(effectId));
    const isFinished = (): boolean => ended.open === 0 && missing().length === 0;
    try {
      await eventually(isFinished, { deadlineMs, describe: ended.name, everyMs: CHECK_MS });
    } catch {
      // What lacks is in the report, with names.
    }
    return ended.report(missing(), worker.doubled);
  }

  stop(): void {
    for (const timer of this.timers) clearInterval(timer);
  }

  totals(): LoadTotals {
    const { submits, requests, worker } = this.required();
    return {
      assigned: [...submits.effects, ...requests.assigned],
      decidedOnly: [...requests.decidedOnly],
      deadLetters: [...submits.deadLetters],
      redelivered: worker.redelivered,
    };
  }

  /** An open loop: what is due is sent, however long the answers before it take, up to a bound. */
  private pace(perSecond: number, isUp: () => boolean, send: Send): void {
    const startMs = performance.now();
    const everyMs = 1_000 / perSecond;
    let next = 0;
    let open = 0;
    const sendDue = (): void => {
      const nowMs = performance.now();
      const lateFrom = Math.ceil((nowMs - MAX_BEHIND_MS - startMs) / everyMs);
      if (lateFrom > next) {
        this.phase.heldBack += lateFrom - next;
        next = lateFrom;
      }
      while (startMs + next * everyMs <= nowMs && open < MAX_OPEN && isUp()) {
        open++;
        void send(next, startMs + next * everyMs, this.phase).finally(() => open--);
        next++;
      }
    };
    this.timers.push(setInterval(sendDue, TICK_MS));
  }

  private required(): Running {
    if (this.running === undefined) throw new Error("the load has not been started");
    return this.running;
  }
}
