// Routers whose policies have steps, processors that are registered as control planes publish them, and what came of messages.
import assert from "node:assert/strict";
import type { StoredMsg } from "@nats-io/jetstream";
import { REGISTRY_BUCKET } from "../../../core/handover/subjects.ts";
import { encodeVerdict, entryKey, type PublishedVerdict } from "../../../core/registry/entries.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";
import { putKey } from "../../../runtime/nats/kv.ts";
import { eventually } from "../../support/await.ts";
import { type OnMessage, startTestProcessor, type TestProcessor } from "../../support/processor.ts";
import { Bus } from "../bus.ts";
import type { LocalRouter } from "../local-router.ts";

const IO_MS = 5_000;
const KNOWN_MS = 10_000;
const ANY = "caf.exec.assign.v1.to.>";

/** A policy whose rule `is-gold` matches where the context says so. */
export function policyWith(name: string, pipeline: string, more = ""): string {
  return `
apiVersion: beamline.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: ${name}, namespace: demo}
spec:
  tenantId: demo
  providers: [{name: worker}]
  rules: [{name: is-gold, when: "has(context.tier) && context.tier == 'gold'", prefer: [worker]}]
  pipeline: ${pipeline}
  ${more}
`;
}

export class StepsWorld {
  readonly bus: Bus;
  readonly router: LocalRouter;
  private readonly processors: TestProcessor[] = [];
  private registered = 0;

  private constructor(bus: Bus, router: LocalRouter) {
    this.bus = bus;
    this.router = router;
  }

  static async start(context: Mocha.Context, policies: readonly string[]): Promise<StepsWorld> {
    const bus = await Bus.start({ context, policies: policies.join("---") });
    const router = await bus.startRouter({ BEAMLINE_ALLOWED_SUBJECTS: "beamline.ext.*.v1" });
    return new StepsWorld(bus, router);
  }

  async stop(): Promise<void> {
    for (const processor of this.processors) processor.stop();
    await this.bus.stop();
  }

  /** Starts a processor and registers it. */
  async processor(id: string, onMessage: OnMessage, more: Partial<PublishedVerdict> = {}): Promise<TestProcessor> {
    const server = await startTestProcessor(onMessage);
    this.processors.push(server);
    await this.register(id, server.address, more);
    return server;
  }

  /** Under an id of its own; the router knows it when this resolves. */
  async register(id: string, endpoint: string, more: Partial<PublishedVerdict> = {}): Promise<void> {
    const verdict: PublishedVerdict = {
      kind: "processor",
      id,
      instance: `${id}-1`,
      endpoint,
      inputEventTypes: [],
      outputEventTypes: [],
      liveness: "live",
      reported: "HEALTHY",
      isCandidate: true,
      sinceMs: 1,
      seq: 1,
      ...more,
    };
    const key = entryKey(nodeCodec, "verdict", verdict);
    const value = encodeVerdict(nodeCodec, verdict);
    const result = await putKey(this.bus.link.mux, REGISTRY_BUCKET, key, value, { timeoutMs: IO_MS });
    assert.equal(result.kind, "stored");
    this.registered += 1;
    await eventually(async () => (await this.router.metric("router_registry_verdicts")) === this.registered, {
      deadlineMs: KNOWN_MS,
      describe: `the router knows ${id}`,
    });
  }

  /** What is stored while this is done. */
  async storedBy(act: () => Promise<unknown>): Promise<StoredMsg[]> {
    const last = (await this.bus.storedOn(ANY)).at(-1)?.seq ?? 0;
    await act();
    return (await this.bus.storedOn(ANY)).filter(({ seq }) => seq > last);
  }
}
