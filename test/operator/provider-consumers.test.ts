// The durables of providers on a real server: made once, found again in a few requests, made again when somebody removed one.
import assert from "node:assert/strict";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { after, before, describe, it } from "mocha";
import { DEFAULT_STREAM_SETTINGS } from "../../core/handover/streams.ts";
import { namesFor } from "../../core/handover/subjects.ts";
import { EMPTY_PLAN, type EntryPlan, planEntries } from "../../core/reconcile/plan-entries.ts";
import { StreamKeeper } from "../../operator/ensure-streams.ts";
import { ProviderConsumers } from "../../operator/provider-consumers.ts";
import { createLogger } from "../../runtime/log.ts";
import { connectNats, type NatsLink } from "../../runtime/nats/connection.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../support/nats.ts";

const NAMES = namesFor();
const STREAM = NAMES.streams.assignments;
const ROUTER = { namespace: "beamline-system", name: "default" };
/** More than one page of names, which has 1,024. */
const MANY = 1_100;

describe("the durables of providers", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let nats: TestNats;
  let link: NatsLink;
  let jsm: JetStreamManager;
  let consumers: ProviderConsumers;
  let asked: string[] = [];

  before(async function () {
    const log = createLogger({ service: "test", level: "silent" });
    nats = await startTestNats({ context: this });
    link = await connectNats({ url: nats.url, name: "test", timeoutMs: 5_000, log });
    jsm = await jetstreamManager(link.nc);
    const keeper = new StreamKeeper({ link, names: NAMES, settings: DEFAULT_STREAM_SETTINGS, log });
    await keeper.ensureAll();
    consumers = new ProviderConsumers(keeper);
    const observer = await connectNats({ url: nats.url, name: "observer", timeoutMs: 5_000, log });
    observer.nc.subscribe("$JS.API.CONSUMER.>", { callback: (_, { subject }) => void asked.push(subject) });
    await observer.nc.flush();
    requests = async (act) => {
      await observer.nc.flush();
      asked = [];
      await act();
      await observer.nc.flush();
      return asked.map((subject) => subject.split(".").slice(0, 4).join("."));
    };
    closeObserver = () => observer.close();
  });
  let requests: (act: () => Promise<void>) => Promise<readonly string[]>;
  let closeObserver: (() => Promise<void>) | undefined;
  after(async () => {
    await closeObserver?.();
    await link?.close();
    await nats?.stop();
  });

  const names = async (): Promise<readonly string[]> => {
    const found: string[] = [];
    for await (const { name } of jsm.consumers.list(STREAM)) found.push(name);
    return found.sort();
  };
  const durable = (name: string): string => NAMES.consumers.provider({ namespace: "demo", name });

  it("are made for what policies name, and nothing is asked when nothing changed", async () => {
    const plan = planOf({ chat: ["openai", "anthropic"] });
    await consumers.ensure(plan);
    assert.deepEqual(await names(), ["anthropic", "openai"].map(durable));
    assert.deepEqual(await requests(() => consumers.ensure(plan)), []);
  });

  it("are looked for in one request for each thousand, and only one that is gone is made", async () => {
    const many = Array.from({ length: MANY }, (_, index) => `p${index}`);
    const plan = planOf(Object.fromEntries(many.map((name) => [name, [name]])));
    await consumers.ensure(plan);
    assert.equal((await names()).length, MANY + 2);
    consumers.recheck();
    const page = "$JS.API.CONSUMER.NAMES";
    assert.deepEqual(await requests(() => consumers.ensure(plan)), [page, page]);
    await jsm.consumers.delete(STREAM, durable("p7"));
    consumers.recheck();
    const info = "$JS.API.CONSUMER.INFO";
    assert.deepEqual(await requests(() => consumers.ensure(plan)), [page, page, info, "$JS.API.CONSUMER.CREATE"]);
    assert.ok((await names()).includes(durable("p7")));
  });

  it("of a provider that one policy gives up stays in view while another names it", async () => {
    await consumers.ensure(planOf({ a: ["shared"], b: ["shared"] }));
    const plan = planOf({ a: ["other"], b: ["shared"] });
    await consumers.ensure(plan);
    await jsm.consumers.delete(STREAM, durable("shared"));
    consumers.recheck();
    await consumers.ensure(plan);
    assert.ok((await names()).includes(durable("shared")));
  });

  it("of a provider that nobody names any more is left, and not made again", async () => {
    await consumers.ensure(planOf({ a: ["leaving"] }));
    const plan = planOf({ a: ["other"] });
    await consumers.ensure(plan);
    assert.ok((await names()).includes(durable("leaving")));
    await jsm.consumers.delete(STREAM, durable("leaving"));
    consumers.recheck();
    await consumers.ensure(plan);
    assert.ok(!(await names()).includes(durable("leaving")));
  });
});

/** By policy: the providers that it names. */
function planOf(policies: Readonly<Record<string, readonly string[]>>): EntryPlan {
  return planEntries(
    {
      router: ROUTER,
      allowedNamespaces: ["*"],
      allowedSubjects: [],
      objects: Object.entries(policies).map(([name, providers]) => ({
        kind: "RoutingPolicy",
        meta: { namespace: "demo", name, uid: `${name} ${providers.join()}`, generation: 1, creationMs: 0 },
        spec: { providers: providers.map((provider) => ({ name: provider })) },
      })),
      stored: { get: () => undefined },
      wasProgrammed: () => false,
    },
    EMPTY_PLAN,
  );
}
