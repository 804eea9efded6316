// What must hold of the registry whatever happens in whatever order.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { advance } from "../../core/registry/advance.ts";
import type { Beat, Notice, RegistryEvent } from "../../core/registry/event.ts";
import { noticesAfter, resumeToken, tokenAfter } from "../../core/registry/notice-log.ts";
import { aliveKeys, buildPeerReport } from "../../core/registry/peer-report.ts";
import { listComponents } from "../../core/registry/query.ts";
import { createRegistry, findComponent, type Registry } from "../../core/registry/state.ts";
import { beat, registration, START_MS } from "../core/registry/drive.ts";

const IDS = ["a", "b", "c", "d"] as const;
const TEXTS = ["HEALTHY", "UNHEALTHY", "busy"] as const;
const NAME = (id: string) => ({ kind: "processor", id }) as const;

const id = fc.constantFrom(...IDS);
const instance = fc.constantFrom("1", "2", "3");
const owner = fc.constantFrom(undefined, "token:x", "token:y");
const atMs = fc.integer({ min: 0, max: 20_000 }).map((sinceMs) => START_MS + sinceMs);

function reportOf(text: string): Beat["report"] {
  return { status: text === "busy" ? "UNKNOWN" : (text as "HEALTHY"), text, metrics: new Map() };
}

/** What the store and other replicas tell: facts, which may come again and in any order. */
const fact: fc.Arbitrary<RegistryEvent> = fc.oneof(
  fc.record({ id, instance, owner, seq: fc.integer({ min: 1, max: 6 }), atMs }).map((told) => {
    const { id, instance, owner, seq, atMs } = told;
    const plain = registration(id, { instance, endpoint: `${id}${instance}.test:${seq}` });
    const wanted = owner === undefined ? plain : { ...plain, owner };
    const shared = { registration: { ...wanted, registeredAtMs: START_MS + seq, seq }, seenAtMs: atMs };
    return { kind: "registrationSeen", shared, nowMs: END_MS } as const;
  }),
  fc
    .record({ id, seq: fc.integer({ min: 1, max: 6 }) })
    .map(({ id, seq }) => ({ kind: "removalSeen", name: NAME(id), seq, nowMs: END_MS }) as const),
  fc.record({ id, instance, atMs, text: fc.constantFrom(...TEXTS) }).map(({ id, instance, atMs, text }) => {
    const told = { kind: "processor", id, instance, lastSeenMs: atMs, report: { ...reportOf(text), atMs } } as const;
    return {
      kind: "peerBeats",
      report: { replica: "peer", sentAtMs: atMs, beats: [told], silent: [] },
      nowMs: END_MS,
    } as const;
  }),
);

/** Facts are told at one moment, so that only their order differs. */
const END_MS = START_MS + 20_000;

/** Everything that can happen to one registry. */
const happening: fc.Arbitrary<RegistryEvent> = fc
  .tuple(
    fc.oneof(
      fc.record({ id, instance, owner, speaker: owner }).map(({ id, instance, owner, speaker }) => {
        const plain = registration(id, { instance });
        const wanted = owner === undefined ? plain : { ...plain, owner };
        return { kind: "registered", registration: wanted, speaker: speaker === undefined ? speaker : owner } as const;
      }),
      fc
        .record({ id, speaker: owner, text: fc.constantFrom(...TEXTS) })
        .map(
          ({ id, speaker, text }) =>
            ({ kind: "beat", beats: [beat(id, { speaker, report: reportOf(text) })] }) as const,
        ),
      fc
        .record({ id, speaker: owner })
        .map(({ id, speaker }) => ({ kind: "unregistered", name: NAME(id), speaker }) as const),
      fc.constantFrom({ kind: "tick" } as const, { kind: "storeLost" } as const, { kind: "storeBack" } as const),
    ),
    atMs,
  )
  .map(([body, nowMs]) => ({ ...body, nowMs }));

function start(self = "self", replicas = 1): Registry {
  return createRegistry({ epoch: "epoch", self, nowMs: START_MS, settings: { replicas } });
}

function run(state: Registry, events: readonly RegistryEvent[]): Registry {
  return events.reduce((standing, event) => advance(standing, event).state, state);
}

/** What is known, without how and when it came to be known. */
function known(state: Registry): string {
  const components = [...state.components.values()].map(
    ({ registration: { metadata, ...rest }, reported, lastSeenMs, liveness }) => ({
      ...rest,
      text: reported.text,
      lastSeenMs,
      liveness,
    }),
  );
  return JSON.stringify(components.sort((left, right) => (left.id < right.id ? -1 : 1)));
}

describe("properties of the registry", () => {
  it("changes nothing when a fact is told again", () => {
    fc.assert(
      fc.property(fc.array(fact, { maxLength: 30 }), fc.nat(), (facts, pick) => {
        const state = run(start(), facts);
        const again = facts[pick % Math.max(1, facts.length)];
        if (again === undefined) return;
        const once = advance(state, again);
        const twice = advance(once.state, again);
        assert.deepEqual(twice.notices, [], "the second time is no news");
        assert.equal(known(twice.state), known(once.state));
      }),
      { numRuns: 2_000 },
    );
  });

  it("knows which registration stands in whatever order it hears of them", () => {
    fc.assert(
      fc.property(
        fc.array(fact, { minLength: 2, maxLength: 20 }),
        fc.array(fc.nat(), { minLength: 20, maxLength: 20 }),
        (facts, order) => {
          const shuffled = facts
            .map((one, index) => [order[index] ?? 0, one] as const)
            .sort(([left], [right]) => left - right);
          const left = run(start("left", 2), facts);
          const right = run(
            start("right", 2),
            shuffled.map(([, one]) => one),
          );
          const standing = (state: Registry) =>
            [...state.components.values()]
              .map(({ registration: { metadata, ...rest } }) => JSON.stringify(rest))
              .sort();
          assert.deepEqual(standing(left), standing(right));
          // Beats that came before their registration are told again with the next report.
          const toRight = buildPeerReport(left, aliveKeys(left), END_MS);
          const toLeft = buildPeerReport(right, aliveKeys(right), END_MS);
          assert.equal(
            known(run(left, [{ kind: "peerBeats", report: toLeft, nowMs: END_MS }])),
            known(run(right, [{ kind: "peerBeats", report: toRight, nowMs: END_MS }])),
          );
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("numbers notices without a gap, and never goes back: sequence, time, registrations", () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (events) => {
        let state = start();
        const seqs = new Map<string, number>();
        for (const event of events) {
          const before = state;
          const step = advance(state, event);
          state = step.state;
          for (const [index, notice] of step.notices.entries())
            assert.equal(notice.sequence, before.sequence + index + 1);
          assert.ok(state.nowMs >= before.nowMs);
          for (const {
            registration: { id: one, seq },
          } of state.components.values()) {
            assert.ok(seq >= (seqs.get(one) ?? 0), `${one} goes back`);
            seqs.set(one, seq);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("changes nothing of a component that is not lost for who is neither its owner nor may speak for any", () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (events) => {
        let state = start();
        for (const event of events) {
          const before = state;
          state = advance(state, event).state;
          if (!("speaker" in event) && event.kind !== "beat") continue;
          const speaker = event.kind === "beat" ? event.beats[0]?.speaker : event.speaker;
          for (const component of before.components.values()) {
            const { owner, id: one } = component.registration;
            if (component.liveness === "lost" || speaker === undefined || owner === undefined || owner === speaker)
              continue;
            const after = findComponent(state, NAME(one));
            assert.equal(after?.registration, component.registration);
            assert.deepEqual([after?.reported, after?.lastSeenMs], [component.reported, component.lastSeenMs]);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("leaves the state before as it was", () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 30 }), happening, (events, last) => {
        const state = run(start(), events);
        const before = [
          known(state),
          state.counts,
          state.sequence,
          state.slots.size,
          state.checks.map((check) => check?.slot),
        ];
        advance(state, last);
        const after = [
          known(state),
          state.counts,
          state.sequence,
          state.slots.size,
          state.checks.map((check) => check?.slot),
        ];
        assert.deepEqual(after, before);
      }),
      { numRuns: 1_000 },
    );
  });

  it("counts what is there", () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (events) => {
        const state = run(start(), events);
        const counts = { live: 0, late: 0, lost: 0, held: 0 };
        for (const { liveness, held } of state.components.values()) {
          counts[liveness] += 1;
          if (held) counts.held += 1;
        }
        assert.deepEqual(state.counts, counts);
        assert.equal(state.slots.size, counts.live + counts.late + counts.lost);
      }),
      { numRuns: 1_000 },
    );
  });

  it("gives a watcher that comes and goes every transition once, and it adds up to the list", () => {
    fc.assert(
      fc.property(
        fc.array(happening, { maxLength: 80 }),
        fc.nat(80),
        fc.integer({ min: 1, max: 5 }),
        (events, from, portion) => {
          let state = run(start(), events.slice(0, from));
          const seen = new Map<string, string>();
          const page = listComponents(state, { pageSize: 1_000 });
          assert.ok(page.ok);
          for (const component of page.value.components) seen.set(component.registration.id, show(component));
          let token = page.value.resumeToken;
          let expected = state.sequence;
          const take = (): void => {
            const notices = noticesAfter(state, token, portion);
            assert.ok(notices.ok);
            for (const notice of notices.value) {
              expected += 1;
              assert.equal(notice.sequence, expected);
              apply(seen, notice);
              token = tokenAfter(state.epoch, notice);
            }
          };
          for (const event of events.slice(from)) {
            state = advance(state, event).state;
            take();
          }
          while (token !== resumeToken(state)) take();
          const standing = [...state.components.values()].map((one) => [one.registration.id, show(one)] as const);
          assert.deepEqual(new Map([...seen].sort()), new Map([...standing].sort()));
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

function show({
  registration: { instance: one },
  reported,
  liveness,
}: {
  registration: { instance: string };
  reported: { text: string };
  liveness: string;
}): string {
  return `${one} ${reported.text} ${liveness}`;
}

function apply(seen: Map<string, string>, notice: Notice): void {
  if (!("component" in notice)) return;
  const { id: one } = notice.component.registration;
  if (notice.kind === "removed") seen.delete(one);
  else seen.set(one, show(notice.component));
}
