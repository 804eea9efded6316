// Ends of a router process: SIGTERM under load, while it cannot finish, and the end of its parent.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { keyedEffectId } from "../../core/handover/effect-id.ts";
import { parseEffectSubject } from "../../core/handover/subjects.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS } from "../support/nats.ts";
import { freePort, type RouterProcess, startRouterProcess } from "../support/router-process.ts";
import { Bus } from "./bus.ts";
import { startLoad } from "./load.ts";
import { encodeRequest, TENANT } from "./messages.ts";
import { POLICIES } from "./policies.ts";

const ROUTER = { namespace: "beamline-system", name: "default" };
const DURABLE_MESSAGES = 4_000;
const LARGE_MESSAGES = 2_000;
const LARGE_BYTES = 8_192;
const ENDED_MS = 10_000;
const UNDER_WAY_MS = 10_000;
const ANY = "caf.exec.assign.v1.to.*.demo.>";

interface Readiness {
  readonly status: string;
  readonly failing: readonly string[];
}

describe("the end of a router process", () => {
  let bus: Bus;
  const routers: RouterProcess[] = [];

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    bus = await Bus.start({ context: this, policies: POLICIES });
  });
  after(async () => {
    for (const router of routers) router.signal("SIGKILL");
    await bus?.stop();
  });

  async function startProcess(name: string): Promise<RouterProcess> {
    const logFile = join(bus.folder, `${name}.log`);
    const router = await startRouterProcess({ name, natsUrl: bus.nats.url, healthPort: await freePort(), logFile });
    routers.push(router);
    return router;
  }

  const readinessOf = async ({ healthUrl }: RouterProcess): Promise<Readiness> =>
    (await (await fetch(`${healthUrl}/readyz`)).json()) as Readiness;

  it("SIGTERM under load: exit code 0, every request answered, every durable message dispatched once", async () => {
    const leaving = await startProcess("router-leaving");
    const staying = await startProcess("router-staying");
    await using load = startLoad(bus);
    const durableKeys = Array.from({ length: DURABLE_MESSAGES }, (_, index) => `durable-${index}`);
    const submitting = Promise.all(durableKeys.map((key) => bus.submit(encodeRequest("protobuf", { key }))));
    await eventually(() => load.answered() > 200, { deadlineMs: UNDER_WAY_MS, describe: "the load is under way" });
    leaving.signal("SIGTERM");
    assert.equal(await leaving.exited, 0);
    const answered = load.answered();
    await eventually(() => load.answered() > answered + 100, { deadlineMs: UNDER_WAY_MS, describe: "it goes on" });
    assert.deepEqual(await load.stop(), []);
    await submitting;
    // Well below the ack wait of 30 s: what was in flight was finished or handed back, none had to time out.
    await bus.settled();
    assert.equal(await staying.ready(), true);
    const subjects = (await bus.storedOn(ANY)).map(({ subject }) => parseEffectSubject(subject)?.effectId);
    const effects = new Set(subjects);
    assert.equal(effects.size, subjects.length, "no effect twice");
    const lost = durableKeys.filter((key) => !effects.has(keyedEffectId(nodeCodec, ROUTER, TENANT, key)));
    assert.deepEqual(lost, []);
    staying.signal("SIGTERM");
    assert.equal(await staying.exited, 0);
  });

  it("hands back at once what it was sent too late to take", async () => {
    // Large ones: the socket still holds many when the stop begins.
    const body = encodeRequest("protobuf", { payload: "x".repeat(LARGE_BYTES) });
    await Promise.all(Array.from({ length: LARGE_MESSAGES }, () => bus.submit(body)));
    const stopped = await bus.startRouter();
    await stopped.stop();
    assert.ok((await bus.submitted()) > 0, "it was stopped before it had taken all");
    await bus.startRouter();
    // One message that was neither settled nor handed back would take the ack wait of 30 s.
    await bus.settled();
  });

  it("ends with 0 at once while the server is away", async () => {
    const router = await startProcess("router-disconnected");
    await bus.nats.kill();
    try {
      const { failing } = await eventually(
        async () => {
          const now = await readinessOf(router);
          return now.status === "failing" && now;
        },
        { deadlineMs: ENDED_MS, describe: "the router has noticed" },
      );
      assert.deepEqual(failing, ["nats"]);
      router.signal("SIGTERM");
      assert.equal(await router.exited, 0);
    } finally {
      await bus.nats.start();
    }
  });

  it("is not ready while it drains, and ends with 0 when what held it up is over", async () => {
    const router = await startProcess("router-draining");
    bus.nats.process().kill("SIGSTOP");
    try {
      router.signal("SIGTERM");
      const readiness = await eventually(
        async () => {
          const now = await readinessOf(router);
          return now.status === "failing" && now;
        },
        { deadlineMs: ENDED_MS, describe: "not ready" },
      );
      assert.deepEqual(readiness.failing, ["serving"]);
    } finally {
      bus.nats.process().kill("SIGCONT");
    }
    assert.equal(await router.exited, 0);
  });

  it("ends with its parent, killed with -9", async () => {
    const healthPort = await freePort();
    const logFile = join(bus.folder, "router-child.log");
    const script = join(import.meta.dirname, "fixtures", "parent-process.ts");
    const parent = spawn(process.execPath, [script, bus.nats.url, String(healthPort), logFile], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const healthUrl = `http://127.0.0.1:${healthPort}`;
    await eventually(async () => (await fetch(`${healthUrl}/readyz`)).status === 200, {
      deadlineMs: UNDER_WAY_MS,
      describe: "the child is ready",
    });
    parent.kill("SIGKILL");
    await once(parent, "exit");
    await eventually(
      () =>
        fetch(`${healthUrl}/livez`).then(
          () => false,
          () => true,
        ),
      {
        deadlineMs: ENDED_MS,
        describe: "the child has ended",
      },
    );
    assert.match(await readFile(logFile, "utf8"), /"cause":"SIGTERM","message":"stopping"/);
  });
});
