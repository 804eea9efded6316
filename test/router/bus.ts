// Everything that a test of the router needs around it: nats-server, configuration in force, routers in this process, a client.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type JetStreamManager, jetstreamManager, type StoredMsg } from "@nats-io/jetstream";
import { headers, type Msg } from "@nats-io/nats-core";
import type { StreamSettings } from "../../core/handover/streams.ts";
import { effectWildcard, type Names, namesFor } from "../../core/handover/subjects.ts";
import { createLogger } from "../../runtime/log.ts";
import { connectNats, type NatsLink } from "../../runtime/nats/connection.ts";
import { eventually } from "../support/await.ts";
import { startTestNats, type TestNats } from "../support/nats.ts";
import { startTestOperator, type TestOperator } from "../support/operator.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";
import { type LocalRouter, startLocalRouter } from "./local-router.ts";
import { DECIDE, type Encoding, encodeRequest, type RequestFields, SUBMIT } from "./messages.ts";

export interface BusOptions {
  readonly context: Mocha.Context;
  readonly policies: string;
  readonly settings?: Partial<StreamSettings>;
  /** Of every subject, stream, durable and bucket. */
  readonly prefix?: string;
}

export const IN_FORCE_MS = 10_000;
export const SETTLED_MS = 20_000;
const REPLY_TIMEOUT_MS = 10_000;

export class Bus {
  readonly nats: TestNats;
  readonly names: Names;
  readonly link: NatsLink;
  readonly operator: TestOperator;
  readonly manager: JetStreamManager;
  private readonly temp: TempDir;
  private readonly routers: LocalRouter[] = [];

  private constructor(parts: {
    nats: TestNats;
    names: Names;
    link: NatsLink;
    operator: TestOperator;
    manager: JetStreamManager;
    temp: TempDir;
  }) {
    this.nats = parts.nats;
    this.names = parts.names;
    this.link = parts.link;
    this.operator = parts.operator;
    this.manager = parts.manager;
    this.temp = parts.temp;
  }

  static async start({ context, policies, settings, prefix }: BusOptions): Promise<Bus> {
    const temp = await makeTempDir("beamline-router-");
    const nats = await startTestNats({ context });
    const folder = join(temp.path, "policies");
    await mkdir(folder);
    await writeFile(join(folder, "policies.yaml"), policies);
    const operator = await startTestOperator({
      natsUrl: nats.url,
      policies: folder,
      ...(settings === undefined ? {} : { settings }),
      ...(prefix === undefined ? {} : { prefix }),
    });
    if (operator.refusals().length > 0) throw new Error(operator.refusals().join("\n"));
    const log = createLogger({ service: "test", level: "silent" });
    const link = await connectNats({ url: nats.url, name: "test", timeoutMs: 5_000, log });
    const manager = await jetstreamManager(link.nc);
    return new Bus({ nats, names: namesFor(prefix), link, operator, manager, temp });
  }

  /** Where files of a test may go. */
  get folder(): string {
    return this.temp.path;
  }

  /** A router in this process, ready; `environment` holds its settings besides those of the bus. */
  async startRouter(environment: Readonly<Record<string, string>> = {}): Promise<LocalRouter> {
    const router = await startLocalRouter({
      BEAMLINE_NATS_URL: this.nats.url,
      BEAMLINE_POD_NAME: `router-${this.routers.length}`,
      BEAMLINE_SUBJECTS_PREFIX: this.names.prefix ?? "",
      ...environment,
    });
    this.routers.push(router);
    return router;
  }

  /** Replaces the policies and waits until they are in force. */
  async applyPolicies(text: string): Promise<void> {
    const before = this.operator.revision();
    await writeFile(join(this.temp.path, "policies", "policies.yaml"), text);
    await eventually(() => this.operator.revision() > before && this.operator.programmed(), {
      deadlineMs: IN_FORCE_MS,
      describe: "the new policies are in force",
    });
  }

  /** Sends a decide request and waits for its answer. */
  ask(
    encoding: Encoding,
    fields: RequestFields = {},
    options: { headers?: Readonly<Record<string, string>>; subject?: string } = {},
  ): Promise<Msg> {
    return this.askRaw(encodeRequest(encoding, fields), options);
  }

  askRaw(
    body: Uint8Array,
    { headers: pairs, subject }: { headers?: Readonly<Record<string, string>>; subject?: string } = {},
  ): Promise<Msg> {
    const options = { timeout: REPLY_TIMEOUT_MS, headers: natsHeaders(pairs) };
    return this.link.nc.request(subject ?? this.names.toWire(DECIDE), body, options);
  }

  /** Stores a durable message; returns its stream sequence. */
  async submit(
    body: Uint8Array,
    pairs: Readonly<Record<string, string>> = {},
    subject = this.names.toWire(SUBMIT),
  ): Promise<number> {
    const options = { timeout: REPLY_TIMEOUT_MS, headers: natsHeaders(pairs) };
    const reply = await this.link.nc.request(subject, body, options);
    const { seq } = reply.json<{ seq?: number }>();
    if (seq === undefined) throw new Error(`not stored: ${reply.string()}`);
    return seq;
  }

  /** Resolves when no durable message waits or is in flight. */
  async settled(): Promise<void> {
    await eventually(async () => (await this.manager.streams.info(this.names.streams.submit)).state.messages === 0, {
      deadlineMs: SETTLED_MS,
      describe: "every durable message is settled",
    });
  }

  async submitted(): Promise<number> {
    return (await this.manager.streams.info(this.names.streams.submit)).state.messages;
  }

  /** What is stored about an effect, oldest first. */
  async storedFor(effectId: string): Promise<StoredMsg[]> {
    return await this.storedOn(this.names.toWire(effectWildcard(effectId)));
  }

  /** Messages of the assignments stream on a subject with wildcards, oldest first. */
  async storedOn(filter: string, stream = this.names.streams.assignments): Promise<StoredMsg[]> {
    const found: StoredMsg[] = [];
    let sequence = 1;
    for (;;) {
      const message = await this.manager.direct.getMessage(stream, { seq: sequence, next_by_subj: filter });
      if (message === null) return found;
      found.push(message);
      sequence = message.seq + 1;
    }
  }

  /** Dead letters, oldest first. */
  async deadLetters(): Promise<StoredMsg[]> {
    return await this.storedOn(">", this.names.streams.dlq);
  }

  async stopRouters(): Promise<void> {
    await Promise.all(this.routers.map((router) => router.stop()));
  }

  async stop(): Promise<void> {
    await this.stopRouters();
    await this.link.close();
    await this.operator.stop();
    await this.nats.stop();
    await this.temp.remove();
  }
}

function natsHeaders(pairs: Readonly<Record<string, string>> = {}): ReturnType<typeof headers> {
  const made = headers();
  for (const [name, value] of Object.entries(pairs)) made.set(name, value);
  return made;
}
