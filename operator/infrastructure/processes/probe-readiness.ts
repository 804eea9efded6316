// Asks a router whether it is ready, and makes sure that it is this router that answers.
import { get } from "node:http";

/** `other`: someone answers who is not the router that was asked for, such as one left over from an earlier run. */
export type Readiness = "ready" | "not_ready" | "other";

export interface ProbeTarget {
  readonly host: string;
  readonly port: number;
  /** Of the router that shall answer. */
  readonly podUid: string;
}

const PROBE_TIMEOUT_MS = 1_000;
const OK_STATUS = 200;
/** A page of checks has a few hundred; what is longer is none. */
const MAX_BODY_BYTES = 16 * 1024;

/** Never rejects: nobody who listens, or no answer in time, is "not_ready". */
export function probeReadiness({ host, port, podUid }: ProbeTarget): Promise<Readiness> {
  return new Promise((resolve) => {
    const request = get({ host, port, path: "/readyz", timeout: PROBE_TIMEOUT_MS, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text;
        if (body.length > MAX_BODY_BYTES) response.destroy();
      });
      response.on("close", () => {
        if (!response.complete) resolve("not_ready");
        else if (answeringPod(body) !== podUid) resolve("other");
        else resolve(response.statusCode === OK_STATUS ? "ready" : "not_ready");
      });
      // A page that breaks off is one that says nothing: `close` follows.
      response.on("error", () => undefined);
    });
    // No one listens yet, or no longer: that is the answer.
    request.once("error", () => resolve("not_ready"));
    request.once("timeout", () => request.destroy());
  });
}

/** The uid in the check `pod` of a readiness page; undefined when it is no such page. */
function answeringPod(body: string): string | undefined {
  let page: unknown;
  try {
    page = JSON.parse(body);
  } catch {
    // Not a page of ours: that is the answer.
    return undefined;
  }
  if (typeof page !== "object" || page === null || !("checks" in page) || !Array.isArray(page.checks)) return undefined;
  const check: unknown = page.checks.find((one: unknown) => isRecord(one) && one.name === "pod");
  return isRecord(check) && typeof check.detail === "string" ? check.detail : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
