// What replicas share: a bus that loses, delays and doubles, and a store of registrations that can be away.
import { type ComponentName, componentKey } from "../../../core/registry/component.ts";
import type { PeerReport, SharedRegistration } from "../../../core/registry/event.ts";
import { compareRegistrations } from "../../../core/registry/merge.ts";
import type { Random } from "../router/random.ts";
import type { SimClock } from "./clock.ts";
import type { Replica } from "./replica.ts";

/** What stands in the store under one key. */
export type Stored =
  | { readonly kind: "registration"; readonly shared: SharedRegistration }
  | { readonly kind: "removal"; readonly name: ComponentName; readonly seq: number };

const LOSS = 0.15;
const DOUBLING = 0.05;
const SLOW = 0.05;
const USUAL_DELAY_MS = 300;
const SLOW_DELAY_MS = 5_000;
const STORE_DELAY_MS = 800;
/** More in a row between two replicas is a cut, which their own reports show them. */
const MAX_LOST_IN_ROW = 3;

export class Network {
  readonly #clock: SimClock;
  readonly #random: Random;
  readonly #replicas: () => readonly Replica[];
  readonly #entries = new Map<string, Stored>();
  readonly #lostInRow = new Map<string, number>();
  /** Nothing goes wrong any more. */
  calm = false;

  constructor(clock: SimClock, random: Random, replicas: () => readonly Replica[]) {
    this.#clock = clock;
    this.#random = random;
    this.#replicas = replicas;
  }

  publish(from: Replica, report: PeerReport): void {
    for (const to of this.#replicas()) {
      if (this.#loses(from, to)) continue;
      this.#deliver(to, report);
      if (!this.calm && this.#random.chance(DOUBLING)) this.#deliver(to, report);
    }
  }

  /** Stored unless something newer stands there. */
  write(entry: Stored): void {
    const key = componentKey(nameOf(entry));
    const standing = this.#entries.get(key);
    if (standing !== undefined && !replaces(entry, standing)) return;
    this.#entries.set(key, entry);
    for (const to of this.#replicas()) {
      const { incarnation } = to;
      this.#clock.after(this.#random.below(STORE_DELAY_MS), () => {
        if (to.incarnation === incarnation && to.isOnBus) to.receive({ kind: "stored", entry });
      });
    }
  }

  read(key: string): Stored | undefined {
    return this.#entries.get(key);
  }

  all(): readonly Stored[] {
    return [...this.#entries.values()];
  }

  #loses(from: Replica, to: Replica): boolean {
    const link = `${from.incarnation}>${to.incarnation}`;
    const inRow = this.#lostInRow.get(link) ?? 0;
    const lost = !this.calm && inRow < MAX_LOST_IN_ROW && this.#random.chance(LOSS);
    this.#lostInRow.set(link, lost ? inRow + 1 : 0);
    return lost;
  }

  #deliver(to: Replica, report: PeerReport): void {
    const { incarnation } = to;
    const slow = !this.calm && this.#random.chance(SLOW);
    this.#clock.after(this.#random.below(slow ? SLOW_DELAY_MS : USUAL_DELAY_MS), () => {
      if (to.incarnation === incarnation && to.isOnBus) to.receive({ kind: "report", report });
    });
  }
}

function nameOf(entry: Stored): ComponentName {
  return entry.kind === "removal" ? entry.name : entry.shared.registration;
}

function seqOf(entry: Stored): number {
  return entry.kind === "removal" ? entry.seq : entry.shared.registration.seq;
}

/** As the registry itself orders them: whatever is written late must not stand over what is newer. */
function replaces(entry: Stored, standing: Stored): boolean {
  const order = seqOf(entry) - seqOf(standing);
  if (order !== 0) return order > 0;
  if (entry.kind === "removal") return standing.kind !== "removal";
  if (standing.kind === "removal") return false;
  return compareRegistrations(entry.shared.registration, standing.shared.registration) > 0;
}
