// The objects of one Router out of the mirror of the API server, and their status on its way back.
import type { RouterKey } from "../../../core/config/entry.ts";
import type { ObjectSource, SourceSnapshot } from "../../interfaces.ts";
import type { StatusDocument } from "../../status-document.ts";
import type { MirrorChange, ObjectMirror } from "./object-mirror.ts";
import { Selection } from "./selection.ts";
import type { StatusBoard } from "./status-board.ts";

export interface KubernetesSourceOptions {
  /** Complete; started and stopped by whoever owns it. */
  readonly mirror: ObjectMirror;
  readonly board: StatusBoard;
  readonly router: RouterKey;
  /** The Router of policies that name none. */
  readonly installation: RouterKey;
}

export class KubernetesSource implements ObjectSource {
  readonly statusUnit = "Object";
  private readonly options: KubernetesSourceOptions;
  private onChange: () => void = () => undefined;
  private selection: Selection | undefined;
  private current: SourceSnapshot | undefined;

  constructor(options: KubernetesSourceOptions) {
    this.options = options;
  }

  /** The API server keeps identities itself: there is nothing to be given back. */
  start(_kept: ReadonlyMap<string, Uint8Array>, onChange: () => void): Promise<void> {
    this.onChange = onChange;
    return Promise.resolve();
  }

  /** What users write has changed somewhere; every such change, from the first snapshot on. */
  objectsChanged(changes: readonly MirrorChange[]): void {
    if (this.selection?.take(changes) === false) return;
    this.current = undefined;
    this.onChange();
  }

  snapshot(): SourceSnapshot {
    this.selection ??= new Selection(this.options);
    this.current ??= { objects: this.selection.objects(), records: new Map(), files: [] };
    return this.current;
  }

  adopt(): void {
    // Nothing in the bucket is this source's.
  }

  writeStatus(document: StatusDocument, pending: ReadonlySet<string>): Promise<void> {
    this.options.board.report(document, pending);
    return Promise.resolve();
  }

  yieldStatus(): void {
    this.options.board.forget(this.options.router);
  }

  stop(): Promise<void> {
    this.onChange = () => undefined;
    return Promise.resolve();
  }
}
