// Whether the operator calls itself fenced, by what real servers say of its connection.
import assert from "node:assert/strict";
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { AccountFolder, accountsConfPath, credentialsPath } from "../../cli/accounts/account-folder.ts";
import { prepareAccounts } from "../../cli/accounts/prepare-accounts.ts";
import { namesFor } from "../../core/handover/subjects.ts";
import { trustFor } from "../../core/trust/trust.ts";
import { Fence } from "../../operator/fence.ts";
import { createLogger } from "../../runtime/log.ts";
import { connectNats, type NatsLink } from "../../runtime/nats/connection.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../support/nats.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";

const DEADLINE_MS = 20_000;
const log = createLogger({ service: "test", level: "silent" });

describe("fence", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let temp: TempDir;
  let nats: TestNats;
  let accounts: string;
  let conf: string;

  before(async function () {
    temp = await makeTempDir();
    accounts = join(temp.path, "accounts");
    await prepareAccounts(new AccountFolder(accounts), { trust: trustFor(), nowMs: Date.now });
    conf = join(temp.path, "nats.conf");
    await writeFile(conf, "");
    nats = await startTestNats({ context: this, configFile: conf });
  });
  after(async () => {
    await nats?.stop();
    await temp?.remove();
  });

  async function openFence(credentialsFile?: string): Promise<{ readonly link: NatsLink; readonly fence: Fence }> {
    const credentials = credentialsFile === undefined ? {} : { credentialsFile };
    const link = await connectNats({ url: nats.url, name: "fence", timeoutMs: 5_000, log, ...credentials });
    const fence = new Fence(link, namesFor());
    assert.equal(fence.unfenced, true, "until the server has said otherwise");
    await fence.ask();
    return { link, fence };
  }

  it("is unfenced where everybody may do everything, and fenced once NATS has accounts", async () => {
    // Credentials are sent only where the server asks for them, so that they may be there before the accounts.
    const { link, fence } = await openFence(credentialsPath(accounts, "operator"));
    assert.equal(fence.unfenced, true);
    await copyFile(accountsConfPath(accounts), conf);
    await nats.restart();
    await eventually(() => !fence.unfenced, { deadlineMs: DEADLINE_MS, describe: "the operator is fenced" });
    fence.stop();
    await link.close();
  });

  it("is unfenced with the rights of a producer, or in one account for all", async () => {
    await copyFile(accountsConfPath(accounts), conf);
    await nats.restart();
    const producer = await openFence(credentialsPath(accounts, "producer"));
    // A producer may not even ask.
    assert.equal(producer.fence.unfenced, true);
    await producer.link.close();
    await writeFile(
      conf,
      "accounts { ALL { jetstream: enabled, users: [{ user: all, password: all }] } }\nno_auth_user: all\n",
    );
    await nats.restart();
    const all = await openFence();
    assert.equal(all.fence.unfenced, true);
    await all.link.close();
  });
});
