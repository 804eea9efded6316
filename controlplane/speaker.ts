// Acting on a component as whoever registered it, or as one who may act on any.
import type { Refusal } from "../core/registry/event.ts";
import { findComponent } from "../core/registry/state.ts";
import { assertNever, err, type Result } from "../core/result.ts";
import type { Refusal as Denial } from "./access/authorize.ts";
import type { CallFailure } from "./call-failure.ts";
import type { Answer } from "./call-frame.ts";
import { type Eventual, whenThere } from "./eventual.ts";
import type { LiveRegistry } from "./live-registry.ts";

/** A caller, as the registry knows it. */
export interface Speaker {
  /** As registrations keep it; undefined where callers are not told apart, so that everybody may act on any. */
  readonly owner: string | undefined;
  /** Why it may not act on what others registered, said as `message`. Asked only when it tries. */
  denialForAny(message: string): Eventual<Denial>;
}

/** Tries as the owner, and when somebody else registered the component, as one who may act on any: if the caller is one. */
export function actAs<T>(
  registry: LiveRegistry,
  speaker: Speaker,
  attempt: (speaker: string | undefined) => Result<T, Refusal>,
): Eventual<Answer<T>> {
  const own = attempt(speaker.owner);
  if (own.ok) return own;
  if (own.error.reason !== "foreign") return err(failureOfRefusal(own.error, registry));
  return whenThere(speaker.denialForAny(describeForeign(own.error, registry)), (denial) => {
    if (denial !== undefined) return err(denial);
    const again = attempt(undefined);
    return again.ok ? again : err(failureOfRefusal(again.error, registry));
  });
}

function describeForeign({ name }: Refusal, registry: LiveRegistry): string {
  const owner = findComponent(registry.state, name)?.registration.owner ?? "somebody else";
  return `${name.kind} "${name.id}" was registered by ${owner}: only it, or who may act on components of others, may do this`;
}

function failureOfRefusal({ name, reason }: Refusal, registry: LiveRegistry): CallFailure {
  switch (reason) {
    case "unknown":
      return unknownComponent(name);
    case "fenced": {
      const message = `another instance has registered ${name.kind} "${name.id}" since`;
      return { cause: "INSTANCE_SUPERSEDED", message, values: { ...name } };
    }
    case "foreign":
      return { cause: "PERMISSION_DENIED", message: describeForeign({ name, reason }, registry) };
    case "full": {
      const message = `the registry holds ${registry.state.settings.maxComponents} components, as many as it may`;
      return { cause: "REGISTRY_FULL", message };
    }
    default:
      return assertNever(reason);
  }
}

export function unknownComponent({ kind, id }: Refusal["name"]): CallFailure {
  return { cause: "COMPONENT_UNKNOWN", message: `no ${kind} "${id}" is registered`, values: { kind, id } };
}
