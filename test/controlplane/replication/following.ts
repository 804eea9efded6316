// A watcher that never gives up: it resumes after each break, and holds every change against what it was told before.
import { type ClientReadableStream, type ServiceError, status } from "@grpc/grpc-js";
import { RegistryService } from "../../../proto/gen/grpc/beamline/control/v1/registry.ts";
import {
  Liveness,
  WatchResponse_Type as Type,
  type WatchRequest,
  type WatchResponse,
} from "../../../proto/gen/messages/beamline/control/v1/registry.ts";
import { TestClient } from "../../support/control-plane.ts";

const RETRY_MS = 200;
const MAX_PROBLEMS = 20;
/** Breaks its own stream after so many changes, to resume. */
const BREAK_AFTER_CHANGES = 97;

export interface FollowingCounts {
  changes: number;
  resumed: number;
  /** The token was of a process that is gone. */
  expired: number;
}

export class Following {
  /** What it was told that cannot be: a change told twice, out of order, or not at all. */
  readonly problems: string[] = [];
  readonly counts: FollowingCounts = { changes: 0, resumed: 0, expired: 0 };
  /** By id, as the changes tell. */
  readonly liveness = new Map<string, Liveness>();
  /** Told of each component that is called lost. */
  private readonly onLost: (id: string) => void;
  private readonly client: TestClient;
  private stream: ClientReadableStream<WatchResponse> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private token = "";
  private current: Map<string, Liveness> | undefined;
  private sinceBreak = 0;
  private stopped = false;

  constructor(address: string, onLost: (id: string) => void) {
    this.client = new TestClient(address);
    this.onLost = onLost;
    this.open();
  }

  /** Whether it has been told the components as they stand. */
  get isSynced(): boolean {
    return this.token !== "";
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.stream?.cancel();
    this.client.close();
  }

  private open(): void {
    const request: WatchRequest = { kinds: [], resumeToken: this.token };
    const stream = this.client.serverStream(RegistryService.watch, request);
    this.stream = stream;
    this.sinceBreak = 0;
    stream.on("data", (response: WatchResponse) => {
      if (this.stream === stream) this.take(response);
    });
    stream.on("error", (error: ServiceError) => {
      if (this.stream === stream) this.again(error);
    });
  }

  private again(error: ServiceError): void {
    this.stream = undefined;
    if (this.stopped) return;
    if (error.code === status.OUT_OF_RANGE) {
      this.counts.expired += 1;
      this.token = "";
    } else if (this.token !== "") this.counts.resumed += 1;
    this.current = undefined;
    this.timer = setTimeout(() => this.open(), RETRY_MS);
  }

  private take(response: WatchResponse): void {
    const { type, component } = response;
    if (type === Type.TYPE_CURRENT) {
      this.current ??= new Map();
      if (component !== undefined) this.current.set(component.id, component.liveness);
    } else if (type === Type.TYPE_SYNCED) {
      this.liveness.clear();
      for (const [id, liveness] of this.current ?? []) this.liveness.set(id, liveness);
      this.current = undefined;
      this.token = response.resumeToken;
    } else this.change(response);
  }

  private change({ type, component, resumeToken }: WatchResponse): void {
    const id = component?.id ?? "";
    const liveness = component?.liveness ?? Liveness.LIVENESS_UNSPECIFIED;
    const before = this.liveness.get(id);
    if (!comesAfter(resumeToken, this.token)) this.problem(`${resumeToken} came after ${this.token}`);
    this.token = resumeToken;
    this.counts.changes += 1;
    if (type === Type.TYPE_REMOVED) {
      if (!this.liveness.delete(id)) this.problem(`${id} was removed and was not there`);
    } else {
      if (type === Type.TYPE_LIVENESS_CHANGED && before === liveness)
        this.problem(`${id} became ${liveness}, which it was`);
      if (type === Type.TYPE_LIVENESS_CHANGED && before === undefined) this.problem(`${id} changed and was not there`);
      if (type === Type.TYPE_STATUS_CHANGED && before !== liveness)
        this.problem(`${id} is ${liveness} and was ${before}, and nobody said so`);
      this.liveness.set(id, liveness);
    }
    if (type === Type.TYPE_LIVENESS_CHANGED && liveness === Liveness.LIVENESS_LOST) this.onLost(id);
    this.sinceBreak += 1;
    if (this.sinceBreak === BREAK_AFTER_CHANGES) this.stream?.cancel();
  }

  private problem(text: string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(text);
  }
}

/** Tokens of one process are numbered. */
function comesAfter(token: string, before: string): boolean {
  const [epoch, number] = token.split(".");
  const [epochBefore, numberBefore] = before.split(".");
  return epoch === epochBefore && Number(number) > Number(numberBefore);
}
