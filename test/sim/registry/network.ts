// What replicas share: a bus that loses, delays and doubles, and a store of registrations that can be away.
import { componentKey } from "../../../core/registry/component.ts";
import type { RegistrationEntry } from "../../../core/registry/entries.ts";
import type { PeerReport } from "../../../core/registry/event.ts";
import { nameOfEntry } from "../../../core/registry/shared-entry.ts";
import type { Random } from "../router/random.ts";
import type { SimClock } from "./clock.ts";
import type { Replica } from "./replica.ts";

const LOSS = 0.15;
const DOUBLING = 0.05;
const SLOW = 0.05;
const USUAL_DELAY_MS = 300;
const SLOW_DELAY_MS = 5_000;
const WRITE_DELAY_MS = 700;
const STORE_DELAY_MS = 800;
/** More in a row between two replicas is a cut, which their own reports show them. */
const MAX_LOST_IN_ROW = 3;

export class Network {
  readonly #clock: SimClock;
  readonly #random: Random;
  readonly #replicas: () => readonly Replica[];
  readonly #entries = new Map<string, RegistrationEntry>();
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

  /**
   * Whatever arrives last stands, as in a bucket that is written without looking. A write that is under way when its writer is cut
   * off or killed is lost.
   */
  write(from: Replica, entry: RegistrationEntry): void {
    const { incarnation } = from;
    this.#clock.after(this.#random.below(WRITE_DELAY_MS), () => {
      if (from.incarnation === incarnation && from.isOnBus) this.#store(entry);
    });
  }

  #store(entry: RegistrationEntry): void {
    this.#entries.set(componentKey(nameOfEntry(entry)), entry);
    for (const to of this.#replicas()) {
      const { incarnation } = to;
      this.#clock.after(this.#random.below(STORE_DELAY_MS), () => {
        if (to.incarnation === incarnation && to.isOnBus) to.receive({ kind: "stored", entry });
      });
    }
  }

  read(key: string): RegistrationEntry | undefined {
    return this.#entries.get(key);
  }

  all(): readonly RegistrationEntry[] {
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
