// What a role is given: subjects that it may publish to and subscribe to, and nothing else.
import type { Names } from "../handover/subjects.ts";

/** A subject with NATS wildcards, as it stands on the wire, and what it is needed for. */
export interface Grant {
  readonly subject: string;
  readonly purpose: string;
}

export interface Grants {
  readonly publish: readonly Grant[];
  readonly subscribe: readonly Grant[];
}

/** One Router's names, the fixed subjects of its legacy providers, and those of its policies' steps (canonical). */
export interface Bus {
  readonly names: Names;
  readonly fixedSubjects: readonly string[];
  readonly stepSubjects: readonly string[];
}

/** What the internal account lets another one reach. */
export interface Crossing {
  /** `service`: messages go into the internal account and answers come back. `stream`: messages come out of it. */
  readonly kind: "service" | "stream";
  readonly subject: string;
  /** A request is answered by any number of messages, as a pull from a consumer is. */
  readonly manyAnswers?: true;
}

export function grant(subject: string, purpose: string): Grant {
  return { subject, purpose };
}

/** Replies to a client's own requests. */
export const INBOXES: Grant = grant("_INBOX.>", "replies to its own requests");
