// What a component says of itself with each heartbeat, held to what the control plane takes.

const MAX_METRICS = 64;
const MAX_KEY_CHARS = 128;
const MAX_STATUS_CHARS = 64;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what must not reach a terminal
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

export type Metrics = Readonly<Record<string, number>>;

export interface Report {
  readonly status: string;
  readonly metrics: Metrics;
}

/** The report as it can be sent, and what had to be left out of it: one bad metric must not cost the heartbeat. */
export function trimReport({ status, metrics }: Report): { readonly report: Report; readonly problems: string[] } {
  const problems: string[] = [];
  const kept: [string, number][] = [];
  for (const [key, value] of Object.entries(metrics)) {
    const name = key.slice(0, MAX_KEY_CHARS);
    if (!Number.isFinite(value)) problems.push(`metric "${name}" is not a finite number`);
    else if (key === "" || key.length > MAX_KEY_CHARS || CONTROL.test(key))
      problems.push(`metric "${name}" needs a name of 1 to ${MAX_KEY_CHARS} characters that can be shown`);
    else if (kept.length === MAX_METRICS) {
      problems.push(`there are more than ${MAX_METRICS} metrics`);
      break;
    } else kept.push([key, value]);
  }
  const shown = status.length <= MAX_STATUS_CHARS && !CONTROL.test(status);
  if (!shown) problems.push(`the status needs at most ${MAX_STATUS_CHARS} characters that can be shown`);
  return { report: { status: shown ? status : "UNKNOWN", metrics: Object.fromEntries(kept) }, problems };
}
