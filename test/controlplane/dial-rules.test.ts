// Which endpoints a control plane may connect to.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { DialRules } from "../../controlplane/asking/dial-rules.ts";

function isAllowed(allow: readonly string[], host: string, address = host, loopback = false): boolean {
  return new DialRules({ allow, loopback }).refusal(host, address) === undefined;
}

describe("dial rules", () => {
  it("let everything through that is not special, when nothing is named", () => {
    for (const address of ["10.0.0.7", "192.168.1.1", "8.8.8.8", "2001:db8::1", "fd00::7"])
      assert.ok(isAllowed([], address), address);
  });

  const special = [
    ...["127.0.0.1", "::1", "0.0.0.0", "169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192"],
    ...["224.0.0.1", "255.255.255.255", "::", "fe80::1", "ff02::1", "fd00:ec2::254"],
    ...["::ffff:169.254.169.254", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe"],
  ];
  for (const address of special) {
    it(`refuse ${address}, also by a name that is allowed`, () => {
      assert.equal(isAllowed([], address), false);
      assert.equal(isAllowed(["*.example"], "evil.example", address), false);
    });
  }

  it("take addresses of this machine where everything runs on it", () => {
    assert.ok(isAllowed([], "127.0.0.1", "127.0.0.1", true));
    assert.ok(isAllowed([], "localhost", "::1", true));
    assert.equal(isAllowed([], "169.254.169.254", "169.254.169.254", true), false);
  });

  it("let through only what is named, once something is", () => {
    const allow = ["10.0.0.0/8", "fd00::/8", "resize.example", "*.svc.cluster.local"];
    assert.ok(isAllowed(allow, "10.1.2.3"));
    assert.ok(isAllowed(allow, "fd00::7"));
    assert.ok(isAllowed(allow, "Resize.example", "192.168.1.1"));
    assert.ok(isAllowed(allow, "a.b.svc.cluster.local.", "192.168.1.1"));
    assert.ok(isAllowed(allow, "anything.example", "10.1.2.3"));
    for (const [host, address] of [
      ["192.168.1.1", "192.168.1.1"],
      ["svc.cluster.local", "192.168.1.1"],
      ["evilsvc.cluster.local", "192.168.1.1"],
      ["resize.example.evil", "192.168.1.1"],
      ["2001:db8::1", "2001:db8::1"],
    ] as const)
      assert.equal(isAllowed(allow, host, address), false, host);
  });

  it("take a special block that is named: somebody meant it", () => {
    assert.ok(isAllowed(["127.0.0.0/8"], "127.0.0.1"));
    assert.ok(isAllowed(["169.254.10.0/24"], "169.254.10.1"));
    assert.equal(isAllowed(["169.254.10.0/24"], "169.254.169.254"), false);
  });

  for (const wrong of ["10.0.0.0/33", "10.0.0.0/8/8", "*", "a b", "*.*.example", "fd00::/129", "10.0.0.0/-1"]) {
    it(`are refused with ${wrong} among them`, () => {
      assert.throws(() => new DialRules({ allow: [wrong], loopback: false }), { code: "CONFIG_INVALID" });
    });
  }
});
