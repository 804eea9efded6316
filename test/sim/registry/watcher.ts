// A watcher that comes and goes: what it has seen must always add up to what the registry says.
import assert from "node:assert/strict";
import { componentKey } from "../../../core/registry/component.ts";
import type { Notice } from "../../../core/registry/event.ts";
import { noticesAfter, resumeToken, tokenAfter } from "../../../core/registry/notice-log.ts";
import { listComponents } from "../../../core/registry/query.ts";
import type { Registry } from "../../../core/registry/state.ts";
import type { Replica } from "./replica.ts";
import type { Variant } from "./variants.ts";

const PAGE = 3;

export class Watcher {
  readonly #variant: Variant;
  readonly #seen = new Map<string, string>();
  #incarnation = "";
  #sequence = 0;
  #token = "";

  constructor(variant: Variant) {
    this.#variant = variant;
  }

  /** Comes back to this replica, reads some pages of notices, and goes. */
  look(replica: Replica, pages: number): void {
    const { state } = replica;
    if (this.#variant.resume === "newest" && this.#token !== "") this.#token = resumeToken(state);
    const first = noticesAfter(state, this.#token, PAGE);
    if (!first.ok) this.#listAnew(replica);
    for (let page = 0; page < pages; page++) {
      const notices = noticesAfter(state, this.#token, PAGE);
      assert.ok(notices.ok, "a token of this registry is refused");
      for (const notice of notices.value) this.#take(notice);
      if (notices.value.length < PAGE) {
        this.#compare(state);
        return;
      }
    }
  }

  #listAnew(replica: Replica): void {
    assert.notEqual(replica.incarnation, this.#incarnation, "a token of the same registry has expired");
    this.#incarnation = replica.incarnation;
    const page = listComponents(replica.state, { pageSize: 1_000 });
    assert.ok(page.ok);
    this.#seen.clear();
    for (const component of page.value.components)
      this.#seen.set(componentKey(component.registration), show(component));
    this.#token = page.value.resumeToken;
    this.#sequence = replica.state.sequence;
  }

  #take(notice: Notice): void {
    assert.equal(notice.sequence, this.#sequence + 1, "a notice is missing or comes twice");
    this.#sequence = notice.sequence;
    this.#token = tokenAfter(this.#incarnation, notice);
    if (!("component" in notice)) return;
    const key = componentKey(notice.component.registration);
    if (notice.kind === "livenessChanged" && this.#seen.has(key)) {
      const isNext = this.#seen.get(key)?.endsWith(`/${notice.previous}`);
      assert.ok(isNext, `${key} became ${notice.component.liveness} from ${notice.previous}, and was not that`);
    }
    if (notice.kind === "removed") this.#seen.delete(key);
    else this.#seen.set(key, show(notice.component));
  }

  #compare(state: Registry): void {
    let count = 0;
    for (const one of state.components.values()) {
      count += 1;
      assert.equal(this.#seen.get(componentKey(one.registration)), show(one), "what was watched is not what is");
    }
    assert.equal(this.#seen.size, count, "a component was watched that is not there");
  }
}

function show(component: { registration: { instance: string }; reported: { text: string }; liveness: string }): string {
  return `${component.registration.instance}/${component.reported.text}/${component.liveness}`;
}
