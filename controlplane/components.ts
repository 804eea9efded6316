// What every registering service does with the registry: register, hear a heartbeat, unregister, find; failures as calls see them.
import { randomBytes } from "node:crypto";
import type { Component, ComponentName } from "../core/registry/component.ts";
import type { Notice, Refusal } from "../core/registry/event.ts";
import type { FieldProblem } from "../core/registry/field-problem.ts";
import { findComponent } from "../core/registry/state.ts";
import { type BeatRequest, validateBeat } from "../core/registry/validate-beat.ts";
import { type RegistrationRequest, validateRegistration } from "../core/registry/validate-registration.ts";
import { assertNever, err, ok } from "../core/result.ts";
import { UNCHANGED } from "./access/audit.ts";
import { type CallFailure, fieldsInvalid } from "./call-failure.ts";
import type { Answer, Note } from "./call-frame.ts";
import type { LiveRegistry } from "./live-registry.ts";

/** How a message calls the fields that the registry checks; those that are not named have the same name. */
export type FieldNames = Readonly<Record<string, string>>;

const CHANCE_BYTES = 12;
/** Of a registration, for the audit record. Who registers the same again only shows a sign of life. */
const OUTCOMES: Readonly<Partial<Record<Notice["kind"], string>>> = {
  registered: "registered",
  updated: "updated",
  takenOver: "taken over",
};

/** Registers, or registers again; gives the component as it stands then, and notes what that came to. */
export function registerComponent(
  registry: LiveRegistry,
  request: RegistrationRequest,
  names: FieldNames,
  note: Note,
): Answer<Component> {
  const { ttlMs } = registry.state.settings;
  const checked = validateRegistration(request, { chance: randomBytes(CHANCE_BYTES).toString("hex"), ttlMs });
  if (!checked.ok) return err(fieldsInvalid(renameFields(checked.error, names)));
  const { refusals, notices } = registry.apply({ kind: "registered", registration: checked.value });
  const component = findComponent(registry.state, checked.value);
  if (refusals[0] !== undefined || component === undefined) return err(refused(refusals[0], registry));
  const outcome = notices.map(({ kind }) => OUTCOMES[kind]).find((found) => found !== undefined) ?? UNCHANGED;
  note(outcome, `${checked.value.kind}/${checked.value.id}`);
  return ok(component);
}

/** One heartbeat. */
export function hearComponent(
  registry: LiveRegistry,
  request: BeatRequest,
  names: FieldNames,
): CallFailure | undefined {
  const checked = validateBeat(request);
  if (!checked.ok) return fieldsInvalid(renameFields(checked.error, names));
  const { refusals } = registry.apply({ kind: "beat", beats: [checked.value] });
  return refusals[0] === undefined ? undefined : refused(refusals[0], registry);
}

/** `instance` empty: whichever holds the id. */
export function unregisterComponent(
  registry: LiveRegistry,
  { kind, id }: ComponentName,
  instance: string,
): CallFailure | undefined {
  const { refusals } = registry.apply({
    kind: "unregistered",
    name: { kind, id },
    ...(instance === "" ? {} : { instance }),
  });
  return refusals[0] === undefined ? undefined : refused(refusals[0], registry);
}

export function getComponent(registry: LiveRegistry, name: ComponentName): Answer<Component> {
  const component = findComponent(registry.state, name);
  return component === undefined ? err(unknownComponent(name)) : ok(component);
}

export function unknownComponent({ kind, id }: ComponentName): CallFailure {
  return { cause: "COMPONENT_UNKNOWN", message: `no ${kind} "${id}" is registered: register it`, values: { kind, id } };
}

function refused(refusal: Refusal | undefined, registry: LiveRegistry): CallFailure {
  if (refusal === undefined) throw new Error("a registration was neither taken nor refused");
  const { name, reason } = refusal;
  switch (reason) {
    case "unknown":
      return unknownComponent(name);
    case "fenced": {
      const message = `another instance has registered ${name.kind} "${name.id}" since`;
      return { cause: "INSTANCE_SUPERSEDED", message, values: { ...name } };
    }
    case "full": {
      const message = `the registry holds ${registry.state.settings.maxComponents} components, as many as it may`;
      return { cause: "REGISTRY_FULL", message };
    }
    default:
      return assertNever(reason);
  }
}

function renameFields(problems: readonly FieldProblem[], names: FieldNames): FieldProblem[] {
  return problems.map((problem) => ({ ...problem, field: names[problem.field] ?? problem.field }));
}
