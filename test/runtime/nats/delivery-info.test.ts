// Reply subjects of deliveries as nats-server writes them, and texts that only look like one.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { parseDeliveryInfo } from "../../../runtime/nats/delivery-info.ts";

const expected = {
  stream: "BEAMLINE_SUBMIT",
  consumer: "router-decide-consumer",
  deliveryCount: 3,
  streamSequence: 1_000_042,
  consumerSequence: 1_000_050,
  timestampMs: 1_763_706_336_123,
  pending: 17,
};
const tail = "BEAMLINE_SUBMIT.router-decide-consumer.3.1000042.1000050.1763706336123456789.17";

describe("parseDeliveryInfo", () => {
  for (const [form, reply] of [
    ["short", `$JS.ACK.${tail}`],
    ["with domain and account", `$JS.ACK._.ACCOUNTHASH.${tail}`],
    ["with domain, account and a random token", `$JS.ACK.hub.ACCOUNTHASH.${tail}.x9Yz`],
  ]) {
    it(`reads the form ${form}`, () => assert.deepEqual(parseDeliveryInfo(reply ?? ""), expected));
  }

  for (const reply of [
    "",
    "_INBOX.abc.def",
    "$JS.ACK",
    "$JS.ACK.S.C.1.2.3.4",
    "$JS.NAK.S.C.1.2.3.1763706336123456789.0",
    "$JS.ACK.S.C.one.2.3.1763706336123456789.0",
    "$JS.ACK.S.C.1.-2.3.1763706336123456789.0",
    "$JS.ACK.S.C.1.2.3.1763706336123456789.",
    "$JS.ACK.S.C.1.2.3.4e18.0",
    "$JS.ACK..C.1.2.3.1763706336123456789.0",
    "$JS.ACK.S.C.1.99999999999999999999.3.1763706336123456789.0",
    "$JS.ACK.S.C.1.9007199254740993.3.1763706336123456789.0",
    "$JS.ACK.a.b.S.C.1.2.3.1763706336123456789.0.x.y.z",
  ]) {
    it(`refuses ${JSON.stringify(reply)}`, () => assert.equal(parseDeliveryInfo(reply), undefined));
  }
});
