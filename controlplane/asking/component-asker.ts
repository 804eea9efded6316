// Asks processors at their endpoints what they can do and whether they serve, and tells the registry what they answer.
import type { Component } from "../../core/registry/component.ts";
import type { Notice } from "../../core/registry/event.ts";
import { findComponent } from "../../core/registry/state.ts";
import { type AskingParts, Conversation } from "./conversation.ts";
import { Turns } from "./turns.ts";

/** Each may hold a connection; those above it are believed what they report. */
const MAX_ASKED = 5_000;
/** Questions under way at once. */
const MAX_QUESTIONS = 64;

export class ComponentAsker {
  private readonly options: AskingParts;
  private readonly turns = new Turns(MAX_QUESTIONS);
  /** By the id of the processor. */
  private readonly conversations = new Map<string, Conversation>();
  private unsubscribe: (() => void) | undefined;

  constructor(options: AskingParts) {
    this.options = options;
  }

  start(): void {
    this.unsubscribe = this.options.registry.onNotices((notices) => {
      for (const notice of notices) this.note(notice);
    });
  }

  stop(): void {
    this.unsubscribe?.();
    for (const conversation of this.conversations.values()) conversation.end();
    this.conversations.clear();
  }

  private note(notice: Notice): void {
    if (!("component" in notice) || notice.component.registration.kind !== "processor") return;
    const { registration } = notice.component;
    // The state is after the whole step: a component that was heard of by this replica names it there.
    const component = findComponent(this.options.registry.state, registration);
    if (component === undefined || component.liveness === "lost") this.end(registration.id);
    else if (this.conversations.get(registration.id)?.isWith(component.registration) !== true) this.begin(component);
  }

  private begin(component: Component): void {
    const { registration, via } = component;
    this.end(registration.id);
    if (this.conversations.size >= MAX_ASKED) {
      this.options.metrics.skipped();
      return;
    }
    const { registry } = this.options;
    // Who took the registration reads the capabilities, and shares them with it. Health is each replica's own observation.
    const wantsCapabilities = via === registry.state.self;
    const conversation = new Conversation({ ...this.options, turns: this.turns, registration, wantsCapabilities });
    this.conversations.set(registration.id, conversation);
    conversation.start();
  }

  private end(id: string): void {
    this.conversations.get(id)?.end();
    this.conversations.delete(id);
  }
}
