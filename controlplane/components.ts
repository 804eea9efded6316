// What every registering service does with the registry: register, hear a heartbeat, unregister, find; failures as calls see them.
import { randomBytes } from "node:crypto";
import type { Component, ComponentName } from "../core/registry/component.ts";
import type { Notice } from "../core/registry/event.ts";
import type { FieldProblem } from "../core/registry/field-problem.ts";
import { MAX_OWNER_CHARS } from "../core/registry/limits.ts";
import { findComponent } from "../core/registry/state.ts";
import { type BeatRequest, validateBeat } from "../core/registry/validate-beat.ts";
import { type RegistrationRequest, validateRegistration } from "../core/registry/validate-registration.ts";
import { err, ok } from "../core/result.ts";
import { UNCHANGED } from "./access/audit.ts";
import { type CallFailure, fieldsInvalid } from "./call-failure.ts";
import type { Answer, Note } from "./call-frame.ts";
import { type Eventual, whenThere } from "./eventual.ts";
import type { LiveRegistry } from "./live-registry.ts";
import { actAs, type Speaker, unknownComponent } from "./speaker.ts";

/** How a message calls the fields that the registry checks; those that are not named have the same name. */
export type FieldNames = Readonly<Record<string, string>>;

const CHANCE_BYTES = 12;
/** Of a registration, for the audit record. Who registers the same again only shows a sign of life. */
const OUTCOMES: Readonly<Partial<Record<Notice["kind"], string>>> = {
  registered: "registered",
  updated: "updated",
  takenOver: "taken over",
};

export interface Registering {
  readonly request: RegistrationRequest;
  readonly names: FieldNames;
  readonly speaker: Speaker;
  readonly note: Note;
}

/** Registers, or registers again; answers with the component as it stands then, and notes what that came to. */
export function registerComponent<T>(
  registry: LiveRegistry,
  { request, names, speaker, note }: Registering,
  answer: (component: Component) => T,
): Eventual<Answer<T>> {
  const { ttlMs } = registry.state.settings;
  const checked = validateRegistration(request, { chance: randomBytes(CHANCE_BYTES).toString("hex"), ttlMs });
  if (!checked.ok) return err(fieldsInvalid(renameFields(checked.error, names)));
  const { owner } = speaker;
  if (owner !== undefined && owner.length > MAX_OWNER_CHARS) return err(NAME_TOO_LONG);
  const registration = owner === undefined ? checked.value : { ...checked.value, owner };
  return actAs(registry, speaker, (by) => {
    const { refusals, notices } = registry.apply({ kind: "registered", registration, speaker: by });
    if (refusals[0] !== undefined) return err(refusals[0]);
    const component = findComponent(registry.state, registration);
    if (component === undefined) throw new Error("a registration was neither taken nor refused");
    const outcome = notices.map(({ kind }) => OUTCOMES[kind]).find((found) => found !== undefined) ?? UNCHANGED;
    note(outcome, `${registration.kind}/${registration.id}`);
    return ok(answer(component));
  });
}

const NAME_TOO_LONG: CallFailure = {
  cause: "PERMISSION_DENIED",
  message: `the caller's name is too long to own a component: with how it proved itself at most ${MAX_OWNER_CHARS} characters`,
};

/** One heartbeat. Of a component that is lost, whoever may not speak for it is told to register: then the id is free. */
export function hearComponent(
  registry: LiveRegistry,
  request: BeatRequest,
  names: FieldNames,
  speaker: Speaker,
): Eventual<CallFailure | undefined> {
  const checked = validateBeat(request);
  if (!checked.ok) return fieldsInvalid(renameFields(checked.error, names));
  const beat = checked.value;
  const heard = actAs(registry, speaker, (by) => {
    const { refusals } = registry.apply({ kind: "beat", beats: [by === undefined ? beat : { ...beat, speaker: by }] });
    return refusals[0] === undefined ? ok(undefined) : err(refusals[0]);
  });
  return whenThere(heard, (answer) => {
    if (answer.ok) return undefined;
    const { cause } = answer.error;
    const isFree = cause === "COMPONENT_UNKNOWN" || (cause === "PERMISSION_DENIED" && isLost(registry, beat));
    return isFree ? unregisteredComponent(beat) : answer.error;
  });
}

/** A component asked about itself: it can do something about it. */
function unregisteredComponent(name: ComponentName): CallFailure {
  const failure = unknownComponent(name);
  return { ...failure, message: `${failure.message}: register it` };
}

function isLost(registry: LiveRegistry, name: ComponentName): boolean {
  return findComponent(registry.state, name)?.liveness === "lost";
}

/** `instance` empty: whichever holds the id. */
export function unregisterComponent(
  registry: LiveRegistry,
  { kind, id }: ComponentName,
  instance: string,
  speaker: Speaker,
): Eventual<Answer<object>> {
  const name = { kind, id };
  const which = instance === "" ? {} : { instance };
  return actAs(registry, speaker, (by) => {
    const { refusals } = registry.apply({ kind: "unregistered", name, ...which, speaker: by });
    return refusals[0] === undefined ? ok({}) : err(refusals[0]);
  });
}

export function getComponent(registry: LiveRegistry, name: ComponentName): Answer<Component> {
  const component = findComponent(registry.state, name);
  return component === undefined ? err(unknownComponent(name)) : ok(component);
}

function renameFields(problems: readonly FieldProblem[], names: FieldNames): FieldProblem[] {
  return problems.map((problem) => ({ ...problem, field: names[problem.field] ?? problem.field }));
}
