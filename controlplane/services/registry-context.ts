// What the calls of beamline.control.v1.Registry share: what they act on, how requests name a component, how answers show one.
import type { ComponentName } from "../../core/registry/component.ts";
import type { FieldProblem } from "../../core/registry/field-problem.ts";
import { validateId } from "../../core/registry/validate-registration.ts";
import { err, ok } from "../../core/result.ts";
import type { Component, ComponentKind } from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import { fieldsInvalid } from "../call-failure.ts";
import type { Answer, CallFrame } from "../call-frame.ts";
import { kindOf, toMessage } from "../component-message.ts";
import type { Configurations } from "../configurations.ts";
import type { LiveRegistry } from "../live-registry.ts";
import type { OpenStreams } from "../open-streams.ts";

export interface RegistryContext {
  readonly frame: CallFrame;
  readonly registry: LiveRegistry;
  readonly configurations: Configurations;
  readonly watches: OpenStreams;
  readonly heartbeats: OpenStreams;
}

/** Of one answer: clients of gRPC take 4 MiB when nobody told them otherwise. */
export const MAX_ANSWER_BYTES = 2_097_152;

/** A component as messages show it. */
export function show({ configurations }: RegistryContext, component: Parameters<typeof toMessage>[0]): Component {
  return toMessage(component, configurations.get(component.registration));
}

/** Which component a request is about, or what is wrong with how it says so. */
export function readName(kindMessage: ComponentKind, id: string): Answer<ComponentName> {
  const kind = kindOf(kindMessage);
  const problems: FieldProblem[] = [...validateId(id)];
  if (kind === undefined) problems.unshift({ field: "kind", rule: "required", message: KIND_RULE });
  return kind === undefined || problems.length > 0 ? err(fieldsInvalid(problems)) : ok({ kind, id });
}

export const KIND_RULE = "must be COMPONENT_KIND_SOURCE, COMPONENT_KIND_PROCESSOR or COMPONENT_KIND_CONSUMER";
