// What a component's endpoint says of itself when it is asked: an observation of one replica, of one instance at one endpoint.
import type { ComponentName, EndpointHealth } from "./component.ts";
import { type Draft, putAndAnnounce } from "./draft.ts";
import { findOrRefuse } from "./register.ts";

/** Not a sign of life: who answers there may be somebody else. */
export function endpointProbed(
  draft: Draft,
  name: ComponentName,
  probed: { readonly instance: string; readonly health: EndpointHealth },
): void {
  const standing = findOrRefuse(draft, name, { instance: probed.instance });
  if (standing === undefined || standing.endpointHealth === probed.health) return;
  const { endpointHealth: previous } = standing;
  putAndAnnounce(
    draft,
    standing,
    { ...standing, endpointHealth: probed.health },
    { kind: "endpointHealthChanged", previous },
  );
}
