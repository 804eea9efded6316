// Sharing with no more rights than the roles have: operator, control planes and routers each by their own credentials.
import assert from "node:assert/strict";
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { describe, it } from "mocha";
import { AccountFolder, accountsConfPath, credentialsPath } from "../../../cli/accounts/account-folder.ts";
import { prepareAccounts } from "../../../cli/accounts/prepare-accounts.ts";
import { registryBucket } from "../../../core/handover/streams.ts";
import { REGISTRY_BUCKET } from "../../../core/handover/subjects.ts";
import { type RoleName, trustFor } from "../../../core/trust/trust.ts";
import { RegistryService } from "../../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ControlPlaneService } from "../../../proto/gen/grpc/controlplane/controlplane.ts";
import { ComponentKind } from "../../../proto/gen/messages/beamline/control/v1/registry.ts";
import { createLogger } from "../../../runtime/log.ts";
import { connectNats, type NatsLink } from "../../../runtime/nats/connection.ts";
import { ensureBucket, putKey } from "../../../runtime/nats/kv.ts";
import { VerdictMirror } from "../../../runtime/nats/verdict-mirror.ts";
import { eventually } from "../../support/await.ts";
import { startTestControlPlane, TestClient } from "../../support/control-plane.ts";
import { NATS_START_TIMEOUT_MS, startTestNats } from "../../support/nats.ts";
import { makeTempDir } from "../../support/temp.ts";

const DEADLINE_MS = 20_000;
const kind = ComponentKind.COMPONENT_KIND_PROCESSOR;
const log = createLogger({ service: "test", level: "silent" });

describe("rights of control planes on NATS", function () {
  this.timeout(NATS_START_TIMEOUT_MS);

  it("are enough to share, and routers may read and not write", async function () {
    await using temp = await makeTempDir();
    const accounts = join(temp.path, "accounts");
    await prepareAccounts(new AccountFolder(accounts), { trust: trustFor(), nowMs: Date.now });
    const configFile = join(temp.path, "nats.conf");
    await writeFile(configFile, "");
    await copyFile(accountsConfPath(accounts), configFile);
    const nats = await startTestNats({ context: this, configFile });
    const connect = (role: RoleName): Promise<NatsLink> => {
      const credentialsFile = credentialsPath(accounts, role);
      return connectNats({ url: nats.url, name: role, timeoutMs: DEADLINE_MS, credentialsFile, log });
    };
    const [operator, router] = [await connect("operator"), await connect("router")];
    await ensureBucket(await jetstreamManager(operator.nc, { checkAPI: false }), registryBucket(1));
    const natsCredentialsFile = credentialsPath(accounts, "controlplane");
    const config = { natsUrl: nats.url, natsCredentialsFile, replicas: 2 };
    const replicas = [await startTestControlPlane(config), await startTestControlPlane(config)];
    const clients = replicas.map(({ address }) => new TestClient(address));
    const [first, second] = clients as [TestClient, TestClient];
    const mirror = new VerdictMirror({ link: router, log });
    mirror.start();
    const until = (describe: string, condition: () => unknown) =>
      eventually(async () => Boolean(await condition()), { deadlineMs: DEADLINE_MS, describe });
    const verdict = () => mirror.verdicts.get("processor/a");
    try {
      await first.unary(ControlPlaneService.registerProcessor, {
        processorId: "a",
        endpoint: "127.0.0.1:9000",
        metadata: {},
      });
      await until("routers read it", () => verdict()?.isCandidate);
      const beat = { processorId: "a", status: "UNHEALTHY", metrics: {}, timestamp: undefined };
      await until("the other replica knows it", () =>
        second.unary(ControlPlaneService.processorHeartbeat, beat).then(
          () => true,
          () => false,
        ),
      );
      await until("what it told one replica reaches routers over the other", () => verdict()?.isCandidate === false);
      const configuration = { kind, id: "a", configuration: { mode: "x" }, expectedRevision: 0n };
      await second.unary(RegistryService.configure, configuration);
      for (const { healthPort } of replicas)
        for (const event of ["own", "received"]) {
          const counted = new RegExp(`^controlplane_registry_reports_total\\{event="${event}"\\} [1-9]`, "m");
          await until(`reports are ${event}`, async () =>
            counted.test(await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text()),
          );
        }
      await first.unary(RegistryService.unregister, { kind, id: "a", instance: "" });
      await until("and the end of it", () => mirror.state === "current" && verdict() === undefined);
      const forged = await putKey(router.mux, REGISTRY_BUCKET, "verdict.processor.YQ", Buffer.from("{}"), {
        timeoutMs: 1_000,
      });
      assert.notEqual(forged.kind, "stored", "a router writes no verdict");
    } finally {
      mirror.stop();
      for (const client of clients) client.close();
      for (const replica of replicas) await replica.stop();
      await operator.close();
      await router.close();
      await nats.stop();
    }
  });
});
