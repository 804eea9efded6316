// Calls the steps of policies: processors over gRPC, extensions on NATS subjects.
import { checkPublishSubject } from "../core/handover/check-publish-subject.ts";
import type { Names } from "../core/handover/subjects.ts";
import type { Verdict } from "../core/registry/verdicts.ts";
import { assertNever } from "../core/result.ts";
import { findProcessor } from "../core/steps/find-processor.ts";
import type { StepCall, StepOutcome, StepResult } from "../core/steps/step.ts";
import { encodeSubjectCall, readSubjectReply } from "../core/steps/subject-message.ts";
import { nodeCodec } from "../runtime/bytes.ts";
import { systemClock } from "../runtime/clock.ts";
import type { NatsLink } from "../runtime/nats/connection.ts";
import type { MuxReply } from "../runtime/nats/mux.ts";
import type { VerdictState } from "../runtime/nats/verdict-mirror.ts";
import { headerReader } from "./header-reader.ts";
import type { ProcessOutcome } from "./processors/outcome.ts";
import type { ProcessorCalls } from "./processors/processor-calls.ts";

/** What is known of registered processors. */
export interface ProcessorDirectory {
  readonly verdicts: ReadonlyMap<string, Verdict>;
  readonly state: VerdictState;
}

/** Where no registry is followed. */
export const NO_PROCESSORS: ProcessorDirectory = { verdicts: new Map(), state: "missing" };

export interface StepCallerOptions {
  readonly link: NatsLink;
  readonly names: Names;
  /** The Router's `allowedSubjects`. */
  readonly allowedSubjects: readonly string[];
  readonly processors: ProcessorCalls;
  directory(): ProcessorDirectory;
}

type Done = (outcome: StepOutcome) => void;

export class StepCaller {
  private readonly options: StepCallerOptions;

  constructor(options: StepCallerOptions) {
    this.options = options;
  }

  call(call: StepCall, resume: (result: StepResult) => void): void {
    const startMs = systemClock.monotonicMs();
    const done: Done = (outcome) => resume({ kind: "called", outcome, elapsedMs: systemClock.monotonicMs() - startMs });
    if (call.target.kind === "processor") this.callProcessor(call.target.id, call, done);
    else this.request(call.target.subject, call, done);
  }

  private callProcessor(id: string, { payload, metadata, timeoutMs }: StepCall, done: Done): void {
    const { processors } = this.options;
    const { verdicts, state } = this.options.directory();
    const found = findProcessor(verdicts, id);
    if (found.kind === "found") {
      void processors
        .process(found, { payload, metadata }, { timeoutMs })
        .then((outcome) => done(toStepOutcome(outcome)));
      return;
    }
    if (found.kind === "away") done({ kind: "unavailable", reason: found.reason });
    else if (state === "current") done({ kind: "notFound", reason: `no processor ${id} is registered` });
    else done({ kind: "unavailable", reason: `processor ${id} is not known: the registry is ${state}` });
  }

  private request(subject: string, call: StepCall, done: Done): void {
    const { link, names, allowedSubjects } = this.options;
    const checked = checkPublishSubject(subject, "step", { tenantId: "", allowedSubjects, prefix: names.prefix });
    if (!checked.ok) {
      done({ kind: "broken", reason: `subject ${subject} is not among the Router's allowedSubjects` });
      return;
    }
    const body = encodeSubjectCall(nodeCodec, call);
    link.mux.request(names.toWire(checked.value), body, undefined, call.timeoutMs, (reply) => done(readReply(reply)));
  }
}

function readReply(reply: MuxReply): StepOutcome {
  switch (reply.kind) {
    case "reply":
      return readSubjectReply(nodeCodec, headerReader(reply.msg), reply.msg.data);
    case "unavailable":
      if (reply.reason === "timeout") return { kind: "timeout" };
      return { kind: "unavailable", reason: reply.reason === "no_responders" ? "nobody answers" : reply.reason };
    case "rejected":
      return { kind: "broken", reason: reply.description };
    default:
      return assertNever(reply);
  }
}

function toStepOutcome(outcome: ProcessOutcome): StepOutcome {
  switch (outcome.kind) {
    case "answered":
      return { kind: "answered", parts: outcome.messages.map(({ metadata }) => metadata) };
    case "refused":
      return { kind: "refused", reason: outcome.message };
    case "tooLarge":
      return { kind: "broken", reason: outcome.reason };
    default:
      return outcome;
  }
}
