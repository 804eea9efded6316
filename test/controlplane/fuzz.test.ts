// Random and mutated messages on the port: every call is answered, nothing is a defect, and the server goes on serving.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ControlPlaneService } from "../../proto/gen/grpc/controlplane/controlplane.ts";
import { ControlPlaneServiceService } from "../../proto/gen/grpc/flowctl/v1/control_plane.ts";
import { BatchHeartbeatRequest, ListRequest } from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import {
  ConsumerHeartbeatRequest,
  RegisterProcessorRequest,
} from "../../proto/gen/messages/controlplane/controlplane.ts";
import { RegisterRequest } from "../../proto/gen/messages/flowctl/v1/control_plane.ts";
import { startTestControlPlane, TestClient, type TestControlPlane } from "../support/control-plane.ts";

const FRAMES = Number(process.env.BEAMLINE_FUZZ_FRAMES ?? 6_000);
const SEED = Number(process.env.BEAMLINE_FUZZ_SEED ?? 1);
const CALLS_AT_ONCE = 32;
const MAX_RANDOM_BYTES = 200;

const SERVICES = [ControlPlaneService, RegistryService, ControlPlaneServiceService];
const UNARY = SERVICES.flatMap((service) => Object.values(service)).filter(
  ({ requestStream, responseStream }) => !requestStream && !responseStream,
);
const metadata = { version: "1", input_event_types: "a.v1,b.v1" };
const VALID = [
  RegisterProcessorRequest.encode({ processorId: "p", endpoint: "host:1", metadata }).finish(),
  ConsumerHeartbeatRequest.encode({ consumerId: "c", timestamp: undefined, metrics: { a: 1 }, status: "X" }).finish(),
  RegisterRequest.encode(
    RegisterRequest.fromPartial({ component: { id: "f", type: 2, endpoint: "host:1", metadata }, componentId: "f" }),
  ).finish(),
  ListRequest.encode(
    ListRequest.fromPartial({ filter: { kinds: [1], metadata }, pageSize: 3, pageToken: "t" }),
  ).finish(),
  BatchHeartbeatRequest.encode(
    BatchHeartbeatRequest.fromPartial({ heartbeats: [{ kind: 2, id: "p", status: "X" }] }),
  ).finish(),
];

/** mulberry32: the same numbers for the same seed. */
function makeRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function makeFrame(random: (below: number) => number): Buffer {
  if (random(4) === 0) return Buffer.from(Array.from({ length: random(MAX_RANDOM_BYTES) }, () => random(256)));
  const bytes = Buffer.from(VALID[random(VALID.length)] as Uint8Array);
  for (let changes = random(4); changes > 0 && bytes.length > 0; changes--) bytes[random(bytes.length)] = random(256);
  return random(5) === 0 ? bytes.subarray(0, random(bytes.length + 1)) : bytes;
}

describe("random and mutated messages", function () {
  this.timeout(Math.max(60_000, FRAMES * 20));
  let server: TestControlPlane;
  let client: TestClient;

  before(async () => {
    server = await startTestControlPlane();
    client = new TestClient(server.address);
  });

  after(async () => {
    client.close();
    await server.stop();
  });

  it(`are answered, each of ${FRAMES} (seed ${SEED}), and none is a defect`, async () => {
    const random = makeRandom(SEED);
    const codes = new Map<string, number>();
    let sent = 0;
    const worker = async (): Promise<void> => {
      while (sent++ < FRAMES) {
        const method = UNARY[random(UNARY.length)];
        assert.ok(method);
        const bytes = makeFrame(random);
        const raw = {
          path: method.path,
          requestSerialize: (value: Buffer) => value,
          responseDeserialize: (value: Buffer) => value,
        };
        const code = await client.unary(raw, bytes).then(
          () => "OK",
          (error: { code: number }) => String(error.code),
        );
        // 4 = DEADLINE_EXCEEDED, 14 = UNAVAILABLE, 2 = UNKNOWN: no answer of the control plane.
        assert.ok(!["2", "4", "14"].includes(code), `${code} of ${method.path} to ${bytes.toString("hex")}`);
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: CALLS_AT_ONCE }, worker));
    // Taken, refused for a field, unknown, and no message: all of them happened, or the frames are not what they should be.
    for (const code of ["OK", "3", "5", "13"])
      assert.ok((codes.get(code) ?? 0) > 0, `${code} in ${[...codes].join(" ")}`);
    const page = await (await fetch(`http://127.0.0.1:${server.healthPort}/metrics`)).text();
    assert.match(page, /^controlplane_call_defects_total 0$/m);
  });
});
