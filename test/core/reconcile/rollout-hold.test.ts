// When a roll-out is held: only on a refusal by a new router of what an old one is known to serve.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { RejectedEntry, RouterAck } from "../../../core/config/entry.ts";
import { type RolloutPod, rolloutHold } from "../../../core/reconcile/rollout-hold.ts";

const chat: RejectedEntry = { key: "n.r.policy.demo.chat", uid: "u", generation: 3, reason: "no such function: f" };
const oldPod: RolloutPod = { name: "old", uid: "old", ready: true, updated: false };
const newPod: RolloutPod = { name: "new", uid: "new", ready: false, updated: true };

function ack(podUid: string, rejected: readonly RejectedEntry[], over: Partial<RouterAck> = {}): RouterAck {
  const whole = { podUid, version: "1", epoch: "e", appliedRevision: 5, rejected, rejectedCount: rejected.length };
  return { ...whole, ...over };
}

function holdOf(pods: readonly RolloutPod[], ...acks: readonly RouterAck[]): string | undefined {
  return rolloutHold(pods, new Map(acks.map((each) => [each.podUid, each])));
}

describe("a roll-out", () => {
  it("is held while a new router rejects what an old one serves, and says which, why and the way out", () => {
    const sentence = holdOf([oldPod, newPod], ack("old", []), ack("new", [chat]));
    assert.match(
      sentence ?? "",
      /^the new router new rejects n\.r\.policy\.demo\.chat, .*no such function: f; correct/,
    );
  });

  const goesOn: Readonly<Record<string, readonly [readonly RolloutPod[], ...RouterAck[]]>> = {
    "nothing is rejected": [[oldPod, newPod], ack("old", []), ack("new", [])],
    "both reject it": [[oldPod, newPod], ack("old", [chat]), ack("new", [chat])],
    "only the old one rejects it": [[oldPod, newPod], ack("old", [chat]), ack("new", [])],
    "there is no old one": [[newPod], ack("new", [chat])],
    "the old one is not ready": [[{ ...oldPod, ready: false }, newPod], ack("old", []), ack("new", [chat])],
    "the old one has not acknowledged": [[oldPod, newPod], ack("new", [chat])],
    "the old one has an older head": [[oldPod, newPod], ack("old", [], { appliedRevision: 4 }), ack("new", [chat])],
    "the old one reads another bucket": [[oldPod, newPod], ack("old", [], { epoch: "f" }), ack("new", [chat])],
    "the old one's list was cut": [[oldPod, newPod], ack("old", [], { rejectedCount: 101 }), ack("new", [chat])],
    "the pod that rejects it was to be replaced": [
      [oldPod, { ...newPod, updated: false }],
      ack("old", []),
      ack("new", [chat]),
    ],
  };
  for (const [name, [pods, ...acks]] of Object.entries(goesOn)) {
    it(`goes on when ${name}`, () => assert.equal(holdOf(pods, ...acks), undefined));
  }

  it("is held when the old one serves this generation and rejects another", () => {
    const older = { ...chat, generation: 2 };
    assert.notEqual(holdOf([oldPod, newPod], ack("old", [older]), ack("new", [chat])), undefined);
  });
});
