// Durable messages through two routers that are killed and stopped, on a nats-server that is restarted: nothing lost,
// nothing twice, every refused message in the dead letters once.
import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { after, before, describe, it } from "mocha";
import { keyedEffectId, streamEffectId } from "../../core/handover/effect-id.ts";
import { namesFor, parseEffectSubject } from "../../core/handover/subjects.ts";
import { deadLetterId } from "../../core/intake/dead-letter.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import { createLogger } from "../../runtime/log.ts";
import { connectNats, type NatsLink } from "../../runtime/nats/connection.ts";
import { eventually } from "../support/await.ts";
import { startTestNats, type TestNats } from "../support/nats.ts";
import { startTestOperator, type TestOperator } from "../support/operator.ts";
import { freePort, type RouterProcess, startRouterProcess } from "../support/router-process.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";
import { LOAD_TENANT, loadMessage } from "./durable-load.ts";
import { readDeadLetters, readSubjectCounts, submit } from "./streams-io.ts";

const MESSAGES = Number(process.env.BEAMLINE_E2E_MESSAGES ?? 100_000);
const ACK_WAIT_MS = 5_000;
const KILLS = 10;
const ROUTERS = 2;
const DRAIN_DEADLINE_MS = 180_000;
const TEST_TIMEOUT_MS = 600_000;

/** What a dead letter's id does not depend on when its message has a place in a stream. */
const nothing = { subject: "", headers: new Map<string, string>(), body: new Uint8Array(), nowMs: 0 };

/** What is done to the system while one part of the load is under way. */
type Fault = (parts: {
  routers: RouterProcess[];
  restart(index: number): Promise<void>;
  nats: TestNats;
}) => Promise<void>;

const killRouter =
  (index: number): Fault =>
  async ({ routers, restart }) => {
    const victim = routers[index] as RouterProcess;
    victim.signal("SIGKILL");
    assert.equal(await victim.exited, "SIGKILL");
    await restart(index);
  };

/** Longer than the ack wait: the server gives its messages to the other router, then the stopped one wakes up with them in hand. */
const stopRouter =
  (index: number): Fault =>
  async ({ routers }) => {
    const victim = routers[index] as RouterProcess;
    victim.signal("SIGSTOP");
    await delay(ACK_WAIT_MS + 1_500);
    victim.signal("SIGCONT");
  };

const restartNats: Fault = ({ nats }) => nats.restart("SIGKILL");

const faults: readonly Fault[] = [
  ...Array.from({ length: KILLS }, (_, index) => killRouter(index % ROUTERS)),
  stopRouter(0),
  restartNats,
  stopRouter(1),
  restartNats,
];

describe("exactly once in effect", function () {
  this.timeout(TEST_TIMEOUT_MS);
  const names = namesFor();
  const router = { namespace: "beamline-system", name: "default" };
  let nats: TestNats;
  let operator: TestOperator;
  let temp: TempDir;
  let link: NatsLink;
  const routers: RouterProcess[] = [];

  before(async function () {
    temp = await makeTempDir("beamline-exactly-once-");
    nats = await startTestNats({ context: this });
    operator = await startTestOperator({
      natsUrl: nats.url,
      policies: join("examples", "quickstart"),
      ackWaitMs: ACK_WAIT_MS,
    });
    link = await connectNats({
      url: nats.url,
      name: "test",
      timeoutMs: 5_000,
      log: createLogger({ service: "test", level: "silent" }),
    });
  });

  after(async () => {
    for (const one of routers) one.signal("SIGKILL");
    await link?.close();
    await operator?.stop();
    await nats?.stop();
    await temp?.remove();
  });

  it(`${MESSAGES} messages over ${KILLS} kills, 2 stops and 2 restarts of nats-server: 0 lost, 0 doubled`, async () => {
    const ports = await Promise.all(Array.from({ length: ROUTERS }, freePort));
    const restart = async (index: number): Promise<void> => {
      const healthPort = ports[index] as number;
      const logFile = join(temp.path, `router-${index}.log`);
      routers[index] = await startRouterProcess({ name: `router-${index}`, natsUrl: nats.url, healthPort, logFile });
    };
    for (let index = 0; index < ROUTERS; index++) await restart(index);

    const expected = { effects: new Set<string>(), deadLetters: new Map<string, string>() };
    const created = (await (await jetstreamManager(link.nc)).streams.info(names.streams.submit)).created;
    const note = (index: number, sequence: number): void => {
      const { key, refusedAs } = loadMessage(index);
      if (refusedAs !== undefined) {
        const position = { stream: names.streams.submit, streamCreated: created, sequence };
        expected.deadLetters.set(deadLetterId({ ...nothing, position }, nodeCodec), refusedAs);
      } else if (key !== undefined) {
        expected.effects.add(keyedEffectId(nodeCodec, router, LOAD_TENANT, key));
      } else {
        expected.effects.add(streamEffectId(nodeCodec, created, sequence));
      }
    };
    const part = Math.ceil(MESSAGES / faults.length);
    for (const [turn, fault] of faults.entries()) {
      const first = turn * part;
      const load = submit(link, { first, last: Math.min(MESSAGES, first + part), onStored: note });
      await load.half;
      await fault({ routers, restart, nats });
      await load.done;
    }

    const manager = await jetstreamManager(link.nc);
    await eventually(async () => (await manager.streams.info(names.streams.submit)).state.messages === 0, {
      deadlineMs: DRAIN_DEADLINE_MS,
      describe: "every input is settled",
      everyMs: 250,
    });
    const stored = await readSubjectCounts(link, names.streams.assignments);
    const effects = new Map<string, number>();
    for (const [subject, count] of stored) {
      const id = parseEffectSubject(subject)?.effectId ?? subject;
      effects.set(id, (effects.get(id) ?? 0) + count);
    }
    const lost = [...expected.effects].filter((id) => !effects.has(id));
    const unexpected = [...effects.keys()].filter((id) => !expected.effects.has(id));
    const doubled = [...effects].filter(([, count]) => count !== 1);
    assert.deepEqual({ lost, unexpected, doubled }, { lost: [], unexpected: [], doubled: [] });

    const letters = await readDeadLetters(link, names.streams.dlq);
    assert.deepEqual(new Map([...letters].sort()), new Map([...expected.deadLetters].sort()));
    assert.equal(expected.deadLetters.size, MESSAGES / 100);
    assert.equal(effects.size, expected.effects.size);
  });
});
