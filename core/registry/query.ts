// Reading the registry: one component, lists by page, and who can be given work.
import { compareText } from "../compare-text.ts";
import { err, ok, type Result } from "../result.ts";
import {
  COMPONENT_KINDS,
  type Component,
  type ComponentKind,
  componentKey,
  isCandidate,
  type Liveness,
} from "./component.ts";
import type { Notice } from "./event.ts";
import type { HealthStatus } from "./health-status.ts";
import { resumeToken } from "./notice-log.ts";
import { findComponent, type Registry } from "./state.ts";

/** What a component has to be to be chosen. Nothing given = every one. */
export interface ComponentFilter {
  readonly kinds?: readonly ComponentKind[];
  readonly liveness?: readonly Liveness[];
  readonly statuses?: readonly HealthStatus[];
  /** All of these pairs. */
  readonly metadata?: ReadonlyMap<string, string>;
  /** Takes at least one of these. */
  readonly inputEventTypes?: readonly string[];
  /** Gives at least one of these. */
  readonly outputEventTypes?: readonly string[];
  /** Takes or gives at least one of these. */
  readonly eventTypes?: readonly string[];
}

/** `id`: by id and kind. The others put the newest first; of the same moment by id. */
export type ListOrder = "id" | "registered" | "lastSeen" | "livenessSince";

export interface ListRequest {
  readonly filter?: ComponentFilter;
  readonly order?: ListOrder;
  /** 0 or undefined = the default. */
  readonly pageSize?: number;
  /** Of the page before; empty or undefined = the first. Goes with the same order and the same filter. */
  readonly pageToken?: string;
}

export interface Page {
  readonly components: readonly Component[];
  /** Undefined after the last page. */
  readonly nextPageToken: string | undefined;
  /** A watch from here misses nothing that this page does not show. */
  readonly resumeToken: string;
}

export const DEFAULT_PAGE_SIZE = 100;
export const MAX_PAGE_SIZE = 1_000;
/** Components that discovery answers at most, the steadiest first. */
export const MAX_DISCOVERED = 1_000;

/** Components of this id, of whatever kind: for protocols that name no kind. */
export function componentsById(registry: Registry, id: string): readonly Component[] {
  return COMPONENT_KINDS.map((kind) => findComponent(registry, { kind, id })).filter((one) => one !== undefined);
}

export function matches(component: Component, filter: ComponentFilter): boolean {
  const { registration, liveness, reported } = component;
  const { inputEventTypes, outputEventTypes } = registration.capabilities;
  return (
    isIn(filter.kinds, registration.kind) &&
    isIn(filter.liveness, liveness) &&
    isIn(filter.statuses, reported.status) &&
    hasMetadata(registration.metadata, filter.metadata) &&
    hasOneOf(filter.inputEventTypes, inputEventTypes) &&
    hasOneOf(filter.outputEventTypes, outputEventTypes) &&
    (hasOneOf(filter.eventTypes, inputEventTypes) || hasOneOf(filter.eventTypes, outputEventTypes))
  );
}

/**
 * Whether a watcher with this filter is told. What a component is chosen by may be what changed, so that liveness and status choose
 * nothing here, nor the rest where a registration is replaced: a watcher must hear of it when something stops being what it asked for.
 */
export function concerns(notice: Notice, filter: ComponentFilter): boolean {
  if (!("component" in notice)) return true;
  const { kinds, liveness: _liveness, statuses: _statuses, ...registered } = filter;
  const isReplaced = notice.kind === "updated" || notice.kind === "takenOver";
  return isIn(kinds, notice.component.registration.kind) && (isReplaced || matches(notice.component, registered));
}

/**
 * One page. Stable under change: each page begins after the last component of the one before, whether that is still there or not,
 * so that in the order `id` and `registered` a component that stays is listed once.
 */
export function listComponents(registry: Registry, request: ListRequest): Result<Page, "page_token" | "page_size"> {
  const { filter = {}, order = "id", pageSize = 0, pageToken = "" } = request;
  if (!Number.isSafeInteger(pageSize) || pageSize < 0) return err("page_size");
  const after = pageToken === "" ? undefined : readPageToken(pageToken);
  if (after !== undefined && after.order !== order) return err("page_token");
  if (pageToken !== "" && after === undefined) return err("page_token");
  const limit = Math.min(pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize, MAX_PAGE_SIZE);
  const found: Ranked[] = [];
  for (const component of registry.components.values()) {
    if (!matches(component, filter)) continue;
    const ranked = rank(component, order);
    if (after === undefined || compareRanked(ranked, after) > 0) found.push(ranked);
  }
  found.sort(compareRanked);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return ok({
    components: page.map(({ component }) => component),
    nextPageToken: found.length > limit && last !== undefined ? writePageToken(last, order) : undefined,
    resumeToken: resumeToken(registry),
  });
}

/** Those that may get work, live before late, and of each the longest in that state first. */
export function discover(registry: Registry, filter: ComponentFilter): readonly Component[] {
  const found: Component[] = [];
  for (const component of registry.components.values())
    if (isCandidate(component) && matches(component, filter)) found.push(component);
  found.sort(
    (left, right) =>
      Number(left.liveness !== "live") - Number(right.liveness !== "live") ||
      left.livenessSinceMs - right.livenessSinceMs ||
      compareText(componentKey(left.registration), componentKey(right.registration)),
  );
  return found.slice(0, MAX_DISCOVERED);
}

interface Position {
  /** Ascending. */
  readonly time: number;
  readonly id: string;
  readonly kind: string;
}

interface Ranked extends Position {
  readonly component: Component;
}

function rank(component: Component, order: ListOrder): Ranked {
  const { id, kind, registeredAtMs } = component.registration;
  return { time: -timeOf(component, order, registeredAtMs), id, kind, component };
}

function timeOf(component: Component, order: ListOrder, registeredAtMs: number): number {
  switch (order) {
    case "id":
      return 0;
    case "registered":
      return registeredAtMs;
    case "lastSeen":
      return component.lastSeenMs;
    case "livenessSince":
      return component.livenessSinceMs;
  }
}

function compareRanked(left: Position, right: Position): number {
  return left.time - right.time || compareText(left.id, right.id) || compareText(left.kind, right.kind);
}

const PAGE_TOKEN =
  /^v1;(id|registered|lastSeen|livenessSince);(-?[0-9.e+]{1,25});(processor|source|consumer);([A-Za-z0-9._:-]{1,128})$/;

function writePageToken({ time, kind, id }: Position, order: ListOrder): string {
  return `v1;${order};${time};${kind};${id}`;
}

function readPageToken(token: string): (Position & { readonly order: ListOrder }) | undefined {
  const [, order, time, kind, id] = PAGE_TOKEN.exec(token) ?? [];
  if (order === undefined || time === undefined || kind === undefined || id === undefined) return undefined;
  return { order: order as ListOrder, time: Number(time), kind, id };
}

function isIn<T>(wanted: readonly T[] | undefined, value: T): boolean {
  return wanted === undefined || wanted.length === 0 || wanted.includes(value);
}

function hasOneOf(wanted: readonly string[] | undefined, names: readonly string[]): boolean {
  return wanted === undefined || wanted.length === 0 || wanted.some((name) => names.includes(name));
}

function hasMetadata(metadata: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string> = new Map()): boolean {
  for (const [key, value] of wanted) if (metadata.get(key) !== value) return false;
  return true;
}
