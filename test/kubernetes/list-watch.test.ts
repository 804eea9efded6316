// List-and-watch as a state machine: whatever a server does, the mirror ends equal to the truth, and never asks in a hot loop.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { ApiFailure, FailureKind } from "../../kubernetes/failure.ts";
import { LineSplitter } from "../../kubernetes/json-lines.ts";
import {
  advanceListWatch,
  HEALTHY_WATCH_MS,
  INITIAL_LIST_WATCH,
  LIST_WATCH_BACKOFF,
  type ListWatchEvent,
  type ListWatchState,
  RELIST_AFTER_FAILURES,
  RELIST_AFTER_QUIET_WATCHES,
} from "../../kubernetes/list-watch.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import { ObjectStore } from "../../kubernetes/object-store.ts";
import { readWatchEvent } from "../../kubernetes/watch-events.ts";

const PAGE = 2;
const NAMES = ["a", "b", "c", "d", "e"] as const;

interface LoggedEvent {
  readonly version: number;
  readonly line: string;
}

/** What an API server keeps of one kind: the objects, and a log of changes with a floor below which it has forgotten. */
class ModelServer {
  version = 10;
  floor = 10;
  readonly objects = new Map<string, KubernetesObject>();
  private readonly log: LoggedEvent[] = [];

  change(name: string, remove: boolean): void {
    const before = this.objects.get(name);
    if (remove && before === undefined) return;
    this.version++;
    const metadata = {
      name,
      uid: before?.metadata.uid ?? `uid-${this.version}`,
      resourceVersion: String(this.version),
    };
    const object = { metadata };
    if (remove) this.objects.delete(name);
    else this.objects.set(name, object);
    const type = remove ? "DELETED" : before === undefined ? "ADDED" : "MODIFIED";
    this.log.push({ version: this.version, line: `${JSON.stringify({ type, object })}\n` });
  }

  bookmark(): string {
    const object = { metadata: { resourceVersion: String(this.version) } };
    return `${JSON.stringify({ type: "BOOKMARK", object })}\n`;
  }

  eventsAfter(version: string): readonly string[] | undefined {
    if (Number(version) < this.floor) return undefined;
    return this.log.filter((event) => event.version > Number(version)).map(({ line }) => line);
  }
}

type Fault = "none" | "fail" | "cut" | "compact" | "quick-end";

interface Turn {
  readonly changes: readonly { readonly name: string; readonly remove: boolean }[];
  readonly fault: Fault;
  readonly cutAt: number;
  readonly chunk: number;
  readonly chance: number;
}

const turns: fc.Arbitrary<readonly Turn[]> = fc.array(
  fc.record({
    changes: fc.array(fc.record({ name: fc.constantFrom(...NAMES), remove: fc.boolean() }), { maxLength: 4 }),
    fault: fc.constantFrom<Fault>("none", "fail", "cut", "compact", "quick-end"),
    cutAt: fc.double({ min: 0, max: 1, noNaN: true }),
    chunk: fc.integer({ min: 1, max: 90 }),
    chance: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  { maxLength: 40 },
);

function failure(kind: FailureKind, retryAfterMs?: number): ApiFailure {
  return { kind, message: kind, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

/** The mirror's shell in the small: performs a step on the model, and keeps the store as the real one does. */
class ModelMirror {
  state: ListWatchState = INITIAL_LIST_WATCH;
  readonly store = new ObjectStore((object) => object.metadata.resourceVersion);
  private pages: KubernetesObject[] = [];
  private snapshot: { readonly version: string; readonly objects: readonly KubernetesObject[] } | undefined;

  turn(server: ModelServer, turn: Turn): void {
    const event = this.state.step.action === "List" ? this.readPage(server, turn) : this.watch(server, turn);
    this.state = advanceListWatch(this.state, event, turn.chance);
  }

  private readPage(server: ModelServer, { fault }: Turn): ListWatchEvent {
    const { step } = this.state;
    assert.ok(step.action === "List");
    if (fault === "fail") return { type: "ListFailed", failure: failure("ServerError") };
    if (fault === "compact" && step.continueToken !== undefined) {
      return { type: "ListFailed", failure: failure("Expired") };
    }
    if (step.continueToken === undefined) {
      this.pages = [];
      this.snapshot = { version: String(server.version), objects: [...server.objects.values()] };
    }
    const { version, objects } = this.snapshot ?? { version: "", objects: [] };
    const end = step.paged ? this.pages.length + PAGE : objects.length;
    this.pages.push(...objects.slice(this.pages.length, end));
    const done = this.pages.length >= objects.length;
    if (done) this.store.replaceAll(this.pages);
    return { type: "PageRead", resourceVersion: version, continueToken: done ? undefined : String(end) };
  }

  private watch(server: ModelServer, turn: Turn): ListWatchEvent {
    const { step } = this.state;
    assert.ok(step.action === "Watch");
    const ended = (failed: ApiFailure | undefined, livedMs = 0): ListWatchEvent => {
      return { type: "WatchEnded", resourceVersion, livedMs, progressed, failure: failed };
    };
    let resourceVersion = step.resourceVersion;
    let progressed = false;
    if (turn.fault === "compact") server.floor = server.version;
    const lines = server.eventsAfter(step.resourceVersion);
    if (lines === undefined) return ended(failure("Expired"));
    if (turn.fault === "fail") return ended(failure("Unreachable"));
    if (turn.fault === "quick-end") return ended(undefined);
    const text = lines.join("") + server.bookmark();
    const sent = turn.fault === "cut" ? text.slice(0, Math.floor(text.length * turn.cutAt)) : text;
    const splitter = new LineSplitter();
    for (let at = 0; at < sent.length; at += turn.chunk) {
      for (const line of splitter.push(sent.slice(at, at + turn.chunk))) {
        const event = readWatchEvent(line, resourceVersion);
        assert.ok(event.type !== "Failed");
        if (event.type === "Put") this.store.put(event.object);
        if (event.type === "Deleted") this.store.remove(event.object.metadata);
        resourceVersion = event.resourceVersion;
        progressed = true;
      }
    }
    return turn.fault === "cut" ? ended(failure("Unreachable")) : ended(undefined, HEALTHY_WATCH_MS);
  }
}

const HEALTHY: Turn = { changes: [], fault: "none", cutAt: 1, chunk: 64, chance: 0.5 };
/** A list of all names in pages, an expired version in between, and the watch. */
const TURNS_TO_HEAL = 2 * NAMES.length + 2;

describe("list and watch", () => {
  it("ends with the truth after any faults, and with every watch at a version that it has reached", () => {
    fc.assert(
      fc.property(turns, (script) => {
        const server = new ModelServer();
        const mirror = new ModelMirror();
        for (const turn of script) {
          for (const { name, remove } of turn.changes) server.change(name, remove);
          mirror.turn(server, turn);
          const { step } = mirror.state;
          if (step.action === "Watch") assert.ok(Number(step.resourceVersion) <= server.version);
        }
        for (let turn = 0; turn < TURNS_TO_HEAL; turn++) mirror.turn(server, HEALTHY);
        const truth = Array.from(server.objects.values(), ({ metadata }) => metadata.resourceVersion);
        assert.deepEqual(mirror.store.values().toSorted(), truth.toSorted());
        assert.equal(mirror.state.step.action, "Watch");
      }),
      { numRuns: 300 },
    );
  });

  it("never asks more than a dozen times in ten seconds of a server that refuses, ends or forgets everything at once", () => {
    const answers = fc.constantFrom<ApiFailure | undefined>(
      undefined,
      failure("Expired"),
      failure("ServerError"),
      failure("Throttled"),
      failure("Unreachable"),
      failure("Forbidden"),
      failure("NotFound"),
    );
    const chances = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(answers, chances), { minLength: 60, maxLength: 60 }), (script) => {
        let state = INITIAL_LIST_WATCH;
        let nowMs = 0;
        const askedMs: number[] = [];
        for (const [answer, chance] of script) {
          nowMs += state.step.delayMs;
          if (state.step.action === "Watch" || answer !== undefined) askedMs.push(nowMs);
          const event: ListWatchEvent =
            state.step.action === "Watch"
              ? { type: "WatchEnded", resourceVersion: "1", livedMs: 0, progressed: false, failure: answer }
              : answer === undefined
                ? { type: "PageRead", resourceVersion: "1", continueToken: undefined }
                : { type: "ListFailed", failure: answer };
          state = advanceListWatch(state, event, chance);
        }
        for (const fromMs of askedMs) {
          const within = askedMs.filter((ms) => ms >= fromMs && ms < fromMs + 10_000).length;
          assert.ok(within <= 12, `${within} requests in 10 s from ${fromMs} ms`);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("waits at least as long as the server asks, and at most its own bound otherwise", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (askedMs, chance) => {
          const event: ListWatchEvent = { type: "ListFailed", failure: failure("Throttled", askedMs) };
          const { delayMs } = advanceListWatch(INITIAL_LIST_WATCH, event, chance).step;
          assert.ok(delayMs >= askedMs);
          const state: ListWatchState = { ...INITIAL_LIST_WATCH, failures: 100 };
          const late = advanceListWatch(state, { type: "ListFailed", failure: failure("ServerError") }, chance);
          assert.ok(late.step.delayMs <= LIST_WATCH_BACKOFF.maxMs);
        },
      ),
    );
  });

  const watching: ListWatchState = {
    ...INITIAL_LIST_WATCH,
    step: { action: "Watch", resourceVersion: "7", delayMs: 0 },
  };
  const ended = (livedMs: number, failed: ApiFailure | undefined, progressed = false): ListWatchEvent => {
    return { type: "WatchEnded", resourceVersion: progressed ? "9" : "7", livedMs, progressed, failure: failed };
  };

  it("goes on at once where a watch ended in order, soon where it was cut, and later where it was refused", () => {
    assert.deepEqual(advanceListWatch(watching, ended(HEALTHY_WATCH_MS, undefined, true), 1).step, {
      action: "Watch",
      resourceVersion: "9",
      delayMs: 0,
    });
    assert.equal(
      advanceListWatch(watching, ended(HEALTHY_WATCH_MS, failure("Unreachable"), true), 1).step.delayMs,
      200,
    );
    assert.equal(advanceListWatch(watching, ended(10, failure("Unreachable")), 1).step.delayMs, 800);
  });

  it("lists anew where the version is forgotten, the kind is missing, or nothing helps", () => {
    assert.equal(advanceListWatch(watching, ended(10, failure("Expired")), 1).step.action, "List");
    assert.equal(advanceListWatch(watching, ended(10, failure("NotFound")), 1).step.action, "List");
    let refused = watching;
    for (let count = 1; count <= RELIST_AFTER_FAILURES; count++) {
      assert.equal(refused.step.action, "Watch");
      refused = advanceListWatch(refused, ended(10, failure("ServerError")), 1);
    }
    assert.equal(refused.step.action, "List");
    let quiet = watching;
    for (let count = 1; count <= RELIST_AFTER_QUIET_WATCHES; count++) {
      assert.equal(quiet.step.action, "Watch");
      quiet = advanceListWatch(quiet, ended(HEALTHY_WATCH_MS, undefined), 1);
    }
    assert.equal(quiet.step.action, "List");
  });

  it("reads a list in one piece when its pages expire again", () => {
    let state = INITIAL_LIST_WATCH;
    for (const paged of [true, false]) {
      state = advanceListWatch(state, { type: "PageRead", resourceVersion: "7", continueToken: "next" }, 0);
      state = advanceListWatch(state, { type: "ListFailed", failure: failure("Expired") }, 0);
      assert.ok(state.step.action === "List");
      assert.deepEqual([state.step.paged, state.step.continueToken], [paged, undefined]);
    }
  });

  it("takes an event of an earlier version for another history, and a broken line for a cut", () => {
    const line = JSON.stringify({ type: "BOOKMARK", object: { metadata: { resourceVersion: "99" } } });
    const back = readWatchEvent(line, "100");
    assert.equal(back.type === "Failed" && back.failure.kind, "Expired");
    for (const broken of [
      '{"type":"ADD',
      "[]",
      "null",
      '{"type":"ADDED","object":{}}',
      '{"type":"NEW","object":{"metadata":{"name":"a","resourceVersion":"101"}}}',
    ]) {
      const event = readWatchEvent(broken, "100");
      assert.equal(event.type === "Failed" && event.failure.kind, "Unreachable", broken);
    }
    const gone = readWatchEvent(
      '{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"old"}}',
      "1",
    );
    assert.equal(gone.type === "Failed" && gone.failure.kind, "Expired");
  });
});
