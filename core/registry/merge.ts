// Which of two registrations of one component stands: the same answer on every replica, in whatever order they hear of them.
import { compareText } from "../compare-text.ts";
import type { Registration, Reported } from "./component.ts";
import type { NewRegistration } from "./event.ts";

/** Greater than 0 when `left` stands. Equal only when both say the same. */
export function compareRegistrations(left: Registration, right: Registration): number {
  if (left === right) return 0;
  return (
    left.seq - right.seq ||
    compareText(left.instance, right.instance) ||
    compareText(content(left), content(right)) ||
    right.registeredAtMs - left.registeredAtMs
  );
}

/** Whether they are the same but for when they were made. */
export function saysTheSame(left: NewRegistration, right: NewRegistration): boolean {
  return left.instance === right.instance && content(left) === content(right);
}

/** Of two reports the newer; of the same moment always the same one. */
export function newerReport(left: Reported, right: Reported): Reported {
  const order = left.atMs - right.atMs || compareText(reportText(left), reportText(right));
  return order >= 0 ? left : right;
}

function content({ endpoint, ttlMs, metadata, capabilities, owner }: NewRegistration): string {
  const { inputEventTypes: takes, outputEventTypes: gives, maxConcurrent, source } = capabilities;
  return JSON.stringify([endpoint, ttlMs, [...metadata], takes, gives, maxConcurrent, source, owner]);
}

function reportText({ text, metrics }: Reported): string {
  return JSON.stringify([text, [...metrics].sort(([left], [right]) => compareText(left, right))]);
}
