// One message on its way through the router, what handling may look at, and how handling ends.

import type { Codec } from "../core/codec.ts";
import type { RouterKey } from "../core/config/entry.ts";
import type { HealthSnapshot } from "../core/decide/decision.ts";
import type { Disposition } from "../core/handover/effects.ts";
import type { Names } from "../core/handover/subjects.ts";
import type { HeaderReader, IntakeRules, Rejection } from "../core/intake/message.ts";
import type { RoutingTable } from "../core/policy/table.ts";
import type { SchemaTable } from "../core/schema/schema.ts";
import type { StepReport } from "../core/steps/take-stage.ts";

/** Where a JetStream delivery stands in its stream. */
export interface StreamPosition {
  readonly stream: string;
  /** Creation time of the stream as the server prints it: with the sequence it names the message for ever. */
  readonly streamCreated: string;
  readonly sequence: number;
  /** 1 on the first delivery. */
  readonly deliveryCount: number;
  readonly timestampMs: number;
  /** After which the server delivers it again unless it is settled; absent = the default of the consumer. */
  readonly ackWaitMs?: number;
}

/** A message as it came in, plain data. `subject` is without the Router's prefix. */
export interface Delivery {
  readonly subject: string;
  readonly headers: HeaderReader;
  readonly body: Uint8Array;
  /** Where the answer is asked for: the reply subject of a request, `Beamline-Reply-To` of a durable message. */
  readonly replyTo: string | undefined;
  /** Absent for a core NATS request, which is not redelivered and has nothing to settle. */
  readonly position: StreamPosition | undefined;
  /** When handling began, milliseconds since the Unix epoch. */
  readonly nowMs: number;
  /** Errors counted for this message before now, on this replica. */
  readonly errorCount: number;
}

/** All that a delivery is judged by; read once, so that a table swap never splits one message. */
export interface HandleContext {
  readonly codec: Codec;
  readonly schemas: SchemaTable;
  readonly names: Names;
  readonly router: RouterKey;
  readonly rules: IntakeRules;
  readonly table: RoutingTable;
  readonly configRevision: number;
  readonly snapshot: HealthSnapshot;
  /** Fixed subjects that providers marked legacy may use. */
  readonly allowedSubjects: readonly string[];
  /** The server refuses inboxes to this router: see PublishRules. */
  readonly inboxesClosed: boolean;
  /** How long a stored assignment proves that its effect exists; milliseconds. */
  readonly retentionMs: number;
  /** How long a keyed decision without dispatch stands; milliseconds. */
  readonly decidedTtlMs: number;
  /** Off: keys are checked for form and otherwise ignored (feature `idempotencyEnabled`). */
  readonly idempotencyEnabled: boolean;
  readonly deadLetterSubjects: "Common" | "PerKind";
  /** 32 hex characters, random. */
  newId(): string;
}

/** How handling ended, for counters and logs; `disposition` is what the shell does with the delivery. */
export interface Handled {
  readonly disposition: Disposition;
  readonly outcome: Outcome;
  /** Whether the disposition is the fault of this message and counts towards its error limit. */
  readonly countsAsError: boolean;
  /** unsent: the answer did not leave this process. forbidden: an answer was asked for on a subject that no router publishes to; nothing was written. */
  readonly reply: "sent" | "unsent" | "none" | "forbidden";
  /** Of the policy's steps; absent when there are none. */
  readonly steps?: readonly StepReport[];
}

export type Outcome =
  | {
      readonly kind: "decided";
      readonly dispatched: boolean;
      readonly existing: boolean;
      readonly reason: string;
      readonly tenantId: string;
      readonly providerId: string;
      readonly generatedTraceId: boolean;
    }
  | {
      readonly kind: "rejected";
      readonly rejection: Rejection;
      readonly deadLetter: "stored" | "failed" | "suppressed" | "none";
    }
  | { readonly kind: "failed"; readonly code: string; readonly message: string; readonly tenantId: string }
  /** JetStream could not take it now, or a step is away; the delivery or the client comes back. */
  | {
      readonly kind: "postponed";
      readonly code: "full" | "unavailable" | "step";
      readonly message: string;
      readonly tenantId: string;
    };
