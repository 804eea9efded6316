// Every nats.conf that the chart renders, read by the real nats-server.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { trustFor } from "../../core/trust/trust.ts";
import { makeAuthority } from "../cluster/certificates.ts";
import { missingForApiServer } from "../cluster/requirements.ts";
import { runCommand } from "../cluster/system-command.ts";
import { NATS_START_TIMEOUT_MS, testNatsServer } from "../support/nats.ts";
import { skipUnless } from "../support/skip.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";
import { CHART_DIR } from "./helm.ts";
import { parseManifests } from "./manifests.ts";

const GOLDEN = join(CHART_DIR, "test", "golden", "chart");
const DIGEST_DIGITS = 16;
const CERTIFICATES = "/etc/nats-tls";

describe("chart, nats.conf", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let temp: TempDir;

  before(async function () {
    const missing = await missingForApiServer(process.env, []);
    skipUnless(this, missing.length === 0, missing.join("; "));
    temp = await makeTempDir();
    const tls = join(temp.path, "tls");
    const authority = await makeAuthority(tls);
    const { certPath, keyPath } = await authority.signServer("nats", ["beamline-nats"]);
    await rename(certPath, join(tls, "tls.crt"));
    await rename(keyPath, join(tls, "tls.key"));
    await mkdir(join(temp.path, "data"));
    // Stands where the Job's accounts come in: the chart's part of the file is what is read here.
    await writeFile(join(temp.path, "accounts.conf"), "");
  });
  after(() => temp?.remove());

  /** nats-server's own verdict; it fails with the line that it does not take. */
  async function read(text: string): Promise<string> {
    const { path } = await testNatsServer();
    const file = join(temp.path, "nats.conf");
    const here = text
      .replaceAll(CERTIFICATES, join(temp.path, "tls"))
      .replaceAll('"/data"', `"${join(temp.path, "data")}"`);
    await writeFile(file, here);
    return runCommand("env", "SERVER_NAME=beamline-nats-0", path, "-t", "--config", file);
  }

  const configs = readdirSync(GOLDEN)
    .filter((file) => file.endsWith(".out.yaml"))
    .flatMap((file) =>
      parseManifests(readFileSync(join(GOLDEN, file), "utf8"))
        .filter(({ kind }) => kind === "ConfigMap")
        .map(({ data = {} }) => [file, data["nats.conf"] ?? ""] as const),
    );

  it("is there in every rendering with a NATS", () => {
    assert.ok(configs.length >= 6 && configs.every(([, text]) => text !== ""), `${configs.length}`);
  });

  for (const [file, text] of configs) {
    it(`of ${file} is valid`, async () => {
      await read(text);
    });
  }

  it("comes with the digest of what this release's accounts let through, so that an upgrade restarts the servers", () => {
    const template = readFileSync(join(CHART_DIR, "charts", "nats", "templates", "_server.tpl"), "utf8");
    const [, digest] = /define "nats\.accountsDigest" -\}\}\s*([0-9a-f]+)\s/.exec(template) ?? [];
    const accounts = JSON.stringify(trustFor().accounts);
    assert.equal(digest, createHash("sha256").update(accounts).digest("hex").slice(0, DIGEST_DIGITS));
  });

  it("would be refused with a setting that the server does not know", async () => {
    await assert.rejects(read(`${configs[0]?.[1]}\nno_such_setting: 1\n`), /unknown field "no_such_setting"/);
  });
});
