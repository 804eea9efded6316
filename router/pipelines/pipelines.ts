// Pipelines as a router runs them: pulled from the stream of inputs, settled when what came of them is stored.
import type { Names } from "../../core/handover/subjects.ts";
import { systemClock } from "../../runtime/clock.ts";
import { reasonOf } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/log.ts";
import type { NatsLink } from "../../runtime/nats/connection.ts";
import type { GetResult } from "../../runtime/nats/get-result.ts";
import type { Delivery, HandleContext, Handled } from "../delivery.ts";
import { DurableIntake, type Settlement } from "../intake-durable.ts";
import type { Outbox } from "../outbox.ts";
import type { ProcessorCalls } from "../processors/processor-calls.ts";
import { BatchStore } from "./batch-store.ts";
import type { PipelineMetrics } from "./metrics.ts";
import { type PipelineEnd, type PipelineHost, runPipeline } from "./run-pipeline.ts";
import type { Verdicts } from "./run-stages.ts";

export interface PipelinesOptions {
  readonly link: NatsLink;
  readonly names: Names;
  readonly outbox: Pick<Outbox, "run">;
  readonly calls: Pick<ProcessorCalls, "process">;
  readonly metrics: PipelineMetrics;
  readonly log: Logger;
  readonly publishTimeoutMs: number;
  /** Context of the table in force, undefined before the first. */
  context(): HandleContext | undefined;
  verdicts(): Verdicts;
  newId(): string;
}

/** Messages of pipelines that one router works on at once. */
const WINDOW = 256;
/** The server is told this often that a message is still worked on: processors may take longer than its ack wait. */
const PROGRESS_MS = 5_000;
/** Left for the headers of a message, which count towards what a server takes. */
const HEADER_ROOM_BYTES = 16_384;
const MAX_REASON = 256;

export class Pipelines {
  private readonly options: PipelinesOptions;
  private readonly intake: DurableIntake;
  private readonly store: BatchStore;

  constructor(options: PipelinesOptions) {
    const { link, names, log, publishTimeoutMs: timeoutMs, newId } = options;
    this.options = options;
    this.store = new BatchStore({ mux: link.mux, names, timeoutMs, newId });
    this.intake = new DurableIntake({
      link,
      names,
      stream: names.streams.pipelines,
      consumer: names.consumers.pipelines,
      window: WINDOW,
      progressMs: PROGRESS_MS,
      log,
      handle: (delivery, settle) => void this.handle(delivery, settle),
    });
  }

  /** Why no messages are pulled now; undefined when they are. */
  get unavailable(): string | undefined {
    return this.intake.unavailable;
  }

  start(): void {
    this.intake.start();
  }

  stop(): Promise<void> {
    return this.intake.stop();
  }

  private async handle(delivery: Delivery, settle: (end: Settlement | undefined) => void): Promise<void> {
    const { metrics, log, context } = this.options;
    const startMs = systemClock.monotonicMs();
    const inForce = context();
    const { position } = delivery;
    let end: PipelineEnd | undefined;
    try {
      if (inForce !== undefined && position !== undefined) {
        end = await runPipeline({ ...delivery, position }, inForce, this.host());
      }
    } catch (bug) {
      log.error("pipeline failed", { subject: delivery.subject, reason: reasonOf(bug) });
    }
    metrics.count(end, (systemClock.monotonicMs() - startMs) / 1000);
    if (end?.reason !== undefined) {
      const { outcome, reason } = end;
      log.warn("pipeline message not done", {
        subject: delivery.subject,
        outcome,
        reason: reason.slice(0, MAX_REASON),
      });
    }
    settle(end);
  }

  private host(): PipelineHost {
    const { link, calls, verdicts } = this.options;
    const maxOutputBytes = (link.nc.info?.max_payload ?? 0) - HEADER_ROOM_BYTES;
    return {
      calls,
      verdicts,
      store: this.store,
      maxOutputBytes,
      readLast: (subject) => this.readLast(subject),
      perform: (handling) =>
        new Promise<Handled>((resolve, reject) => this.options.outbox.run(handling, resolve, reject)),
    };
  }

  private readLast(subject: string): Promise<GetResult> {
    const { link, names, publishTimeoutMs } = this.options;
    const { pipelineOutputs } = names.streams;
    return new Promise((resolve) =>
      link.mux.directGetLast(pipelineOutputs, names.toWire(subject), publishTimeoutMs, resolve),
    );
  }
}
