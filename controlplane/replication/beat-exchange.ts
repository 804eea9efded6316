// What replicas tell each other of heartbeats: a report a second over core NATS, and one at once when a component says something new.
import type { Msg, Subscription } from "@nats-io/nats-core";
import { REGISTRY_REPORT_SUBJECT } from "../../core/handover/subjects.ts";
import { type ComponentName, componentKey } from "../../core/registry/component.ts";
import type { Notice, PeerReport, SharedRegistration } from "../../core/registry/event.ts";
import { aliveKeys, buildPeerReport } from "../../core/registry/peer-report.ts";
import { decodeReport, encodeReport } from "../../core/registry/report-codec.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import type { Logger } from "../../runtime/log.ts";
import type { NatsLink } from "../../runtime/nats/connection.ts";
import type { Happening, LiveRegistry } from "../live-registry.ts";

export interface BeatExchangeOptions {
  readonly link: NatsLink;
  readonly registry: LiveRegistry;
  /** What the shared bucket says of a component. */
  find(name: ComponentName): SharedRegistration | undefined;
  readonly count: ReportCounts;
  readonly log: Logger;
}

export interface ReportCounts {
  report(what: ReportEvent): void;
}

export const REPORT_EVENTS = ["sent", "unsent", "own", "received", "malformed"] as const;
export type ReportEvent = (typeof REPORT_EVENTS)[number];

const REPORT_EVERY_MS = 1_000;
/** Changes of status within this time are told together. */
const URGENT_MS = 50;
/** A replica that was silent for so long, or is new, is told everything again. */
const TELL_ALL_AFTER_MS = 5_000;
/** Of one message, whatever more the server allows: it is handled in one go on the other side. */
const MAX_MESSAGE_BYTES = 524_288;
const DEFAULT_MAX_PAYLOAD_BYTES = 1_048_576;

export class BeatExchange {
  private readonly options: BeatExchangeOptions;
  /** Heard since the last report, and between that and the one before: each is told twice. One key for each id that was named. */
  private heard = new Set<string>();
  private heardBefore = new Set<string>();
  private urgent = new Set<string>();
  private isAllDue = true;
  private subscription: Subscription | undefined;
  private timer: NodeJS.Timeout | undefined;
  private urgentTimer: NodeJS.Timeout | undefined;

  constructor(options: BeatExchangeOptions) {
    this.options = options;
  }

  start(): void {
    const { link, log } = this.options;
    this.subscription = link.nc.subscribe(REGISTRY_REPORT_SUBJECT, {
      callback: (error, msg) => {
        if (error === null) this.receive(msg);
        else
          log.error("reports of other replicas are refused", {
            subject: REGISTRY_REPORT_SUBJECT,
            reason: error.message,
          });
      },
    });
    this.timer = setInterval(() => this.report(), REPORT_EVERY_MS);
    this.report();
  }

  stop(): void {
    clearInterval(this.timer);
    clearTimeout(this.urgentTimer);
    this.subscription?.unsubscribe();
  }

  /** Something happened to the registry: what clients said is told to the others. */
  note(happening: Happening): void {
    if (happening.kind === "beat") for (const beat of happening.beats) this.heard.add(componentKey(beat));
    else if (happening.kind === "registered") this.heard.add(componentKey(happening.registration));
  }

  /** A change that a client told this replica is not kept for the next report: routers learn of it from the leader. */
  changed(notices: readonly Notice[]): void {
    const { self } = this.options.registry.state;
    for (const notice of notices) {
      if (notice.kind !== "statusChanged" && notice.kind !== "livenessChanged") continue;
      if (notice.component.via === self && notice.component.liveness !== "lost")
        this.urgent.add(componentKey(notice.component.registration));
    }
    if (this.urgent.size > 0) this.urgentTimer ??= setTimeout(() => this.reportUrgent(), URGENT_MS);
  }

  /** After a gap the next report leaves nothing out. */
  tellAll(): void {
    this.isAllDue = true;
  }

  private report(): void {
    const { registry } = this.options;
    const keys = new Set([...this.heardBefore, ...this.heard]);
    if (this.isAllDue) for (const key of this.ownKeys()) keys.add(key);
    const sent = this.send(buildPeerReport(registry.state, keys, registry.nowMs()));
    // Without NATS nothing is gathered: the next report leaves nothing out.
    this.isAllDue = !sent;
    this.heardBefore = sent ? this.heard : new Set();
    this.heard = new Set();
  }

  private reportUrgent(): void {
    const { registry } = this.options;
    this.urgentTimer = undefined;
    const { urgent } = this;
    this.urgent = new Set();
    this.send({ ...buildPeerReport(registry.state, urgent, registry.nowMs()), silent: [] });
  }

  /** Those that this replica heard last itself. */
  private ownKeys(): readonly string[] {
    const { state } = this.options.registry;
    return aliveKeys(state).filter((key) => {
      const slot = state.slots.get(key);
      return slot !== undefined && state.components.get(slot)?.via === state.self;
    });
  }

  private send(report: PeerReport): boolean {
    const { link, count } = this.options;
    const maxPayload = link.nc.info?.max_payload ?? DEFAULT_MAX_PAYLOAD_BYTES;
    for (const message of encodeReport(nodeCodec, report, Math.min(maxPayload, MAX_MESSAGE_BYTES))) {
      const problem = link.mux.send(REGISTRY_REPORT_SUBJECT, message);
      count.report(problem === undefined ? "sent" : "unsent");
      if (problem !== undefined) return false;
    }
    return true;
  }

  private receive(msg: Msg): void {
    const { registry, count } = this.options;
    const decoded = decodeReport(nodeCodec, msg.data);
    if (decoded === undefined || decoded.ignored > 0) count.report("malformed");
    if (decoded === undefined) return;
    const { report } = decoded;
    if (report.replica === registry.state.self) {
      count.report("own");
      registry.apply({ kind: "peerBeats", report: { ...report, beats: [], silent: [] } });
      return;
    }
    count.report("received");
    const heardAtMs = registry.state.peers.get(report.replica) ?? Number.NEGATIVE_INFINITY;
    if (registry.nowMs() - heardAtMs > TELL_ALL_AFTER_MS) this.isAllDue = true;
    const { refusals } = registry.apply({ kind: "peerBeats", report });
    if (refusals.length > 0) this.learnUnknown(report, new Set(refusals.map(({ name }) => componentKey(name))));
  }

  /** Another replica hears what this one has forgotten, or has not read yet: the bucket says what it is. */
  private learnUnknown({ beats }: PeerReport, refused: ReadonlySet<string>): void {
    const { registry, find } = this.options;
    for (const beat of beats) {
      if (!refused.has(componentKey(beat))) continue;
      const shared = find(beat);
      if (shared?.registration.instance !== beat.instance) continue;
      const { registration } = shared;
      registry.apply({ kind: "registrationSeen", shared: { registration, seenAtMs: beat.lastSeenMs } });
    }
  }
}
