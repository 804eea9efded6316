// Where a component meets the control plane: connect, register, and go on with the work.
import { randomUUID } from "node:crypto";
import type { ConfigurationCallback } from "./configuration-watch.ts";
import { Connection } from "./connection.ts";
import { type EventListener, guardListener } from "./events.ts";
import { Heartbeats } from "./heartbeats.ts";
import { type ControlPlaneOptions, channelCredentials, checkOptions } from "./options.ts";
import { RegisteredComponent } from "./registered-component.ts";
import type { Kind } from "./registration.ts";

export interface ComponentOptions {
  /** Unique among the components of its kind; the control plane makes one up when it is absent. */
  readonly id?: string;
  /** Where the component is called, such as host:port; a processor must have one. */
  readonly endpoint?: string;
  /** `provider`, `input_event_types`, `output_event_types`, `max_concurrent` have a meaning; others are for people and filters. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Without a heartbeat for so long the component is lost; 1 s to 1 h. */
  readonly ttlMs?: number;
  /** Takes configurations that are pushed to the component; throwing refuses one. None are asked for when it is absent. */
  readonly onConfiguration?: ConfigurationCallback;
  /** Told of everything that happens; none of it needs an answer. */
  readonly onEvent?: EventListener;
}

const DEFAULT_TTL_MS = 30_000;
const MIN_TTL_MS = 1_000;
const MAX_TTL_MS = 3_600_000;
const MAX_COMPONENTS = 1_000;
const INSTANCE_KEY = "instance_id";

export class ControlPlane {
  private readonly connection: Connection;
  private readonly heartbeats: Heartbeats;
  private readonly components = new Set<RegisteredComponent>();

  constructor(options: ControlPlaneOptions) {
    this.connection = new Connection(options);
    this.heartbeats = new Heartbeats(this.connection);
  }

  /** Returns at once; registering goes on behind, for as long as it takes. */
  registerProcessor(options: ComponentOptions & { readonly endpoint: string }): RegisteredComponent {
    return this.register("processor", options);
  }

  registerSource(options: ComponentOptions): RegisteredComponent {
    return this.register("source", options);
  }

  registerConsumer(options: ComponentOptions): RegisteredComponent {
    return this.register("consumer", options);
  }

  /** Ends all components and the connection, telling nobody: drain the components before. Without it the process stays. */
  close(): void {
    for (const component of [...this.components]) component.end();
    this.connection.close();
  }

  private register(kind: Kind, options: ComponentOptions): RegisteredComponent {
    const { id = "", endpoint = "", metadata = {}, ttlMs = DEFAULT_TTL_MS, onConfiguration, onEvent } = options;
    if (!Number.isInteger(ttlMs) || ttlMs < MIN_TTL_MS || ttlMs > MAX_TTL_MS)
      throw new Error(`ttlMs is ${ttlMs}; it must be a whole number from ${MIN_TTL_MS} to ${MAX_TTL_MS}`);
    if (this.components.size >= MAX_COMPONENTS)
      throw new Error(`one connection serves at most ${MAX_COMPONENTS} components; make another one`);
    const component = new RegisteredComponent({
      connection: this.connection,
      heartbeats: this.heartbeats,
      registration: { kind, id, endpoint, metadata },
      instance: metadata[INSTANCE_KEY] ?? randomUUID(),
      ttlMs,
      tell: guardListener("onEvent", onEvent),
      onConfiguration,
      onEnd: (ended) => this.components.delete(ended),
    });
    this.components.add(component);
    return component;
  }
}

/**
 * Throws an Error for options that can never work, and for TLS files that cannot be read. Whether a control plane is there
 * is found out later, and told by `onEvent`.
 */
export function connectControlPlane(options: ControlPlaneOptions): ControlPlane {
  checkOptions(options);
  channelCredentials(options.tls);
  return new ControlPlane(options);
}
