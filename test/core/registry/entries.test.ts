// What control planes store: every entry comes back as it was written, and no bytes make a reader fail.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { Registration } from "../../../core/registry/component.ts";
import {
  decodeConfiguration,
  decodeRegistrationEntry,
  decodeVerdict,
  encodeConfiguration,
  encodeRegistrationEntry,
  encodeVerdict,
  entryKey,
  type PublishedVerdict,
  parseEntryKey,
  type RegistrationEntry,
} from "../../../core/registry/entries.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";

const NAME = { kind: "processor", id: "resize:1/".replace("/", "_") } as const;
const REGISTRATION: Registration = {
  ...NAME,
  instance: "i-1",
  endpoint: "10.0.0.7:9000",
  metadata: new Map([
    ["input_event_types", "image.v1"],
    ["zone", "ä"],
  ]),
  ttlMs: 30_000,
  capabilities: { inputEventTypes: ["image.v1"], outputEventTypes: [], maxConcurrent: 4, source: "capabilities" },
  registeredAtMs: 1_700_000_000_000.25,
  owner: "token:system:serviceaccount:demo:resize",
  seq: 1_700_000_000_001,
};
const ENTRY: RegistrationEntry = {
  kind: "registration",
  shared: { registration: REGISTRATION, seenAtMs: 1_700_000_000_500.5 },
};
const VERDICT: PublishedVerdict = {
  ...NAME,
  instance: "i-1",
  endpoint: "10.0.0.7:9000",
  inputEventTypes: ["image.v1"],
  outputEventTypes: [],
  maxConcurrent: 4,
  provider: "demo/images",
  namespace: "demo",
  liveness: "late",
  reported: "HEALTHY",
  isCandidate: true,
  sinceMs: 1_700_000_000_000,
  seq: 7,
};

function json(value: unknown): Uint8Array {
  return nodeCodec.encodeUtf8(JSON.stringify(value));
}

describe("entries of the registry's bucket", () => {
  it("keys name entry, kind and any id, and are read back", () => {
    const ids = fc.stringMatching(/^[A-Za-z0-9._:-]{1,128}$/);
    fc.assert(
      fc.property(ids, fc.constantFrom("processor", "source", "consumer"), (id, kind) => {
        const name = { kind, id } as const;
        const key = entryKey(nodeCodec, "verdict", name);
        assert.match(key, /^verdict\.[a-z]+\.[A-Za-z0-9_-]+$/);
        assert.deepEqual(parseEntryKey(nodeCodec, key), { entry: "verdict", name });
      }),
    );
  });

  it("keys that are none of these are not read", () => {
    for (const key of ["leader", "verdict.processor", "verdict.router.cDE", "x.source.cDE", "verdict.source.cDE.x"])
      assert.equal(parseEntryKey(nodeCodec, key), undefined, key);
    // Two spellings of one id, and an id that breaks the rules.
    assert.equal(parseEntryKey(nodeCodec, "verdict.source.cDE="), undefined);
    assert.equal(parseEntryKey(nodeCodec, "verdict.source.YSBi"), undefined);
  });

  it("come back as they were written", () => {
    const removal: RegistrationEntry = { kind: "removal", name: NAME, seq: 9 };
    for (const entry of [ENTRY, removal])
      assert.deepEqual(decodeRegistrationEntry(nodeCodec, NAME, encodeRegistrationEntry(nodeCodec, entry)), entry);
    assert.deepEqual(decodeVerdict(nodeCodec, NAME, encodeVerdict(nodeCodec, VERDICT)), VERDICT);
    const configuration = { revision: 3, value: { a: [1, { b: null }] } };
    assert.deepEqual(decodeConfiguration(nodeCodec, encodeConfiguration(nodeCodec, configuration)), configuration);
  });

  it("are refused when one field is missing or is another kind of value", () => {
    const wrong = [undefined, null, -1, 1.5, "", "x".repeat(5_000), {}, [1], true];
    const optional = new Set(["maxConcurrent", "provider", "namespace", "owner"]);
    const cases = [
      { bytes: encodeRegistrationEntry(nodeCodec, ENTRY), read: decodeRegistrationEntry },
      { bytes: encodeVerdict(nodeCodec, VERDICT), read: decodeVerdict },
    ] as const;
    for (const { bytes, read } of cases) {
      const whole: Record<string, unknown> = JSON.parse(Buffer.from(bytes).toString());
      for (const field of Object.keys(whole)) {
        const refused = wrong.filter(
          (value) => read(nodeCodec, NAME, json({ ...whole, [field]: value })) === undefined,
        );
        assert.ok(refused.length >= wrong.length - 3, `${field}: only ${refused.length} of ${wrong.length} refused`);
        if (!optional.has(field)) assert.ok(refused.includes(undefined), `${field} may be missing`);
      }
    }
  });

  it("of earlier releases, without owner and namespace, are read; a wrong one is not", () => {
    const { owner: _, ...unowned } = REGISTRATION;
    const entry: RegistrationEntry = { kind: "registration", shared: { registration: unowned, seenAtMs: 5 } };
    assert.deepEqual(decodeRegistrationEntry(nodeCodec, NAME, encodeRegistrationEntry(nodeCodec, entry)), entry);
    const { namespace: __, ...nowhere } = VERDICT;
    assert.deepEqual(decodeVerdict(nodeCodec, NAME, encodeVerdict(nodeCodec, nowhere)), nowhere);
    for (const namespace of ["", "a/b", "A", "-a", "a".repeat(64), null, 1])
      assert.equal(decodeVerdict(nodeCodec, NAME, json({ ...VERDICT, namespace })), undefined, String(namespace));
    const written = JSON.parse(nodeCodec.decodeUtf8(encodeRegistrationEntry(nodeCodec, ENTRY)) ?? "");
    for (const owner of ["", "x".repeat(1_025), null, 1, {}])
      assert.equal(decodeRegistrationEntry(nodeCodec, NAME, json({ ...written, owner })), undefined, String(owner));
  });

  it("a sequence that no later registration could exceed is refused", () => {
    for (const seq of [Number.MAX_SAFE_INTEGER, 1e300])
      assert.equal(decodeRegistrationEntry(nodeCodec, NAME, json({ removed: true, seq })), undefined);
  });

  it("no bytes make a reader fail", () => {
    const texts = fc.oneof(fc.json(), fc.string()).map((text) => nodeCodec.encodeUtf8(text));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), texts), (bytes) => {
        decodeRegistrationEntry(nodeCodec, NAME, bytes);
        decodeVerdict(nodeCodec, NAME, bytes);
        decodeConfiguration(nodeCodec, bytes);
      }),
    );
  });

  it("a verdict is believed only at its own key", () => {
    const other = { kind: "processor", id: "other" } as const;
    assert.equal(decodeVerdict(nodeCodec, other, encodeVerdict(nodeCodec, VERDICT)), undefined);
  });
});
