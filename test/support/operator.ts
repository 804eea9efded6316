// The operator's parts on a folder of YAML, without routers of its own: a test starts, stops and kills those itself.
import { resolve } from "node:path";
import type { RouterKey } from "../../core/config/entry.ts";
import { programmedByUid } from "../../core/config/programmed.ts";
import { DEFAULT_STREAM_SETTINGS, type StreamSettings } from "../../core/handover/streams.ts";
import { namesFor } from "../../core/handover/subjects.ts";
import { planEntries } from "../../core/reconcile/plan-entries.ts";
import { AckReader } from "../../operator/ack-reader.ts";
import { StreamKeeper } from "../../operator/ensure-streams.ts";
import { ConfigPublisher } from "../../operator/publish-config.ts";
import { KeyedQueue } from "../../operator/queue.ts";
import { FileSource } from "../../operator/source/files/file-source.ts";
import { createLogger, type Logger } from "../../runtime/log.ts";
import { connectNats, type NatsLink } from "../../runtime/nats/connection.ts";
import { KvMirror } from "../../runtime/nats/kv-mirror.ts";
import { eventually } from "./await.ts";
import { makeTempDir, type TempDir } from "./temp.ts";

export interface TestOperatorOptions {
  readonly natsUrl: string;
  /** Folder of YAML; relative to the repository. */
  readonly policies: string;
  /** Of the submit stream's consumer. */
  readonly ackWaitMs?: number;
  /** Settings of the streams that differ from the defaults. */
  readonly settings?: Partial<StreamSettings>;
  readonly prefix?: string;
}

export interface TestOperator {
  /** Stream sequence of the head that was written last. */
  revision(): number;
  /** Whether every router that acknowledges serves that head (at least one does) and rejects nothing of it. */
  programmed(): boolean;
  /** Files with problems, and objects that are not in force: `<kind>/<name>: <why>`. */
  refusals(): readonly string[];
  /** Makes what is missing of streams, consumers and buckets. */
  ensureStreams(): Promise<void>;
  stop(): Promise<void>;
}

const ROUTER: RouterKey = { namespace: "beamline-system", name: "default" };
const root = resolve(import.meta.dirname, "..", "..");
const PUBLISH = "publish";
const BUCKETS = "buckets";
const COALESCE_MS = 20;
const BACKOFF = { baseMs: 50, maxMs: 1_000 };
const START_DEADLINE_MS = 30_000;

/** Resolves when streams and buckets exist and the first head is written. */
export async function startTestOperator(options: TestOperatorOptions): Promise<TestOperator> {
  const log = createLogger({ service: "test-operator", level: "silent" });
  const link = await connectNats({ url: options.natsUrl, name: "test-operator", timeoutMs: 5_000, log });
  const stateDir = await makeTempDir("beamline-operator-");
  const operator = new FolderOperator(options, { link, stateDir, log });
  await operator.start();
  return operator;
}

class FolderOperator implements TestOperator {
  private readonly options: TestOperatorOptions;
  private readonly link: NatsLink;
  private readonly stateDir: TempDir;
  private readonly keeper: StreamKeeper;
  private readonly mirror: KvMirror;
  private readonly publisher: ConfigPublisher;
  private readonly acks: AckReader;
  private readonly source: FileSource;
  private readonly queue: KeyedQueue;
  private refused: readonly string[] = [];
  private lastError: unknown;

  constructor(options: TestOperatorOptions, parts: { link: NatsLink; stateDir: TempDir; log: Logger }) {
    const { link, stateDir, log } = parts;
    const names = namesFor(options.prefix);
    const { ackWaitMs } = options;
    const settings = {
      ...DEFAULT_STREAM_SETTINGS,
      ...(ackWaitMs === undefined ? {} : { ackWaitMs }),
      ...options.settings,
    };
    this.options = options;
    this.link = link;
    this.stateDir = stateDir;
    this.keeper = new StreamKeeper({ link, names, settings, log });
    this.queue = new KeyedQueue({
      work: (key) => (key === PUBLISH ? this.publish() : this.keeper.ensureBuckets()),
      onError: (_key, error) => {
        this.lastError = error;
      },
      backoff: BACKOFF,
    });
    const publishSoon = (): void => this.queue.add(PUBLISH, COALESCE_MS);
    const onMissing = (): void => this.queue.add(BUCKETS);
    this.mirror = new KvMirror({ link, bucket: names.buckets.config, log, onChange: publishSoon, onMissing });
    this.publisher = new ConfigPublisher({ mirror: this.mirror, router: ROUTER, log, onWrite: () => undefined });
    const onChange = (): void => undefined;
    this.acks = new AckReader({ link, bucket: names.buckets.acks, router: ROUTER, log, onChange, onMissing });
    const folder = resolve(root, options.policies);
    this.source = new FileSource({ folder, stateDir: stateDir.path, router: ROUTER, log });
  }

  async start(): Promise<void> {
    await this.keeper.ensureAll();
    this.mirror.start();
    this.acks.start();
    await this.mirror.whenWhole();
    await this.source.start(this.publisher.storedRecords(), () => this.queue.add(PUBLISH, COALESCE_MS));
    this.queue.add(PUBLISH);
    await eventually(() => this.publisher.current, {
      deadlineMs: START_DEADLINE_MS,
      describe: () => `the first head of ${this.options.policies} is written: ${String(this.lastError)}`,
    });
  }

  revision(): number {
    return this.publisher.current?.revision ?? 0;
  }

  programmed(): boolean {
    const head = this.publisher.current;
    const acks = this.acks.byPodUid();
    if (head === undefined) return false;
    const pods = [...acks.keys()].map((uid) => ({ name: uid, uid, ready: true }));
    const target = { key: "", uid: "", generation: 0, ...head };
    if (programmedByUid(target, acks, pods).status !== "True") return false;
    return [...acks.values()].every((ack) => ack.rejectedCount === 0);
  }

  refusals(): readonly string[] {
    return this.refused;
  }

  ensureStreams(): Promise<void> {
    return this.keeper.ensureAll();
  }

  async stop(): Promise<void> {
    await this.queue.stop();
    await this.source.stop();
    this.acks.stop();
    this.mirror.stop();
    await this.link.close();
    await this.stateDir.remove();
  }

  private async publish(): Promise<void> {
    const { objects, records, files } = this.source.snapshot();
    const plan = planEntries({
      router: ROUTER,
      allowedNamespaces: ["*"],
      objects,
      stored: { get: (key) => this.publisher.storedEntry(key) },
      wasProgrammed: (key) => this.wasProgrammed(key),
    });
    this.refused = [
      ...files.flatMap(({ file, problems }) => problems.map(({ message }) => `${file}: ${message}`)),
      ...[...plan.verdicts.values()].flatMap(({ desired, refusals }) =>
        refusals.map(({ message }) => `${desired.kind}/${desired.meta.name}: ${message}`),
      ),
    ];
    await this.publisher.publish(plan.entries, records);
  }

  private wasProgrammed(key: string): boolean {
    const target = this.publisher.target(key);
    if (target === undefined) return false;
    const acks = this.acks.byPodUid();
    const pods = [...acks.keys()].map((uid) => ({ name: uid, uid, ready: true }));
    return programmedByUid(target, acks, pods).status === "True";
  }
}
