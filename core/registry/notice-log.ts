// Notices for watchers that come back: a token names the last one seen, and gets every later one, or the answer that they are gone.
import { err, ok, type Result } from "../result.ts";
import type { Notice } from "./event.ts";
import { MAX_LOGGED_NOTICES } from "./limits.ts";
import type { Registry } from "./state.ts";

/** Why a token leads nowhere: the watcher lists again, and goes on from the token of that list. */
export type ResumeProblem = "malformed" | "expired";

const TOKEN = /^([A-Za-z0-9_-]{1,64})\.([0-9]{1,15})$/;

/** Names everything up to now: whoever resumes with it sees what comes after. */
export function resumeToken({ epoch, sequence }: Pick<Registry, "epoch" | "sequence">): string {
  return `${epoch}.${sequence}`;
}

/** The token of a watcher that has seen this notice. */
export function tokenAfter(epoch: string, { sequence }: Pick<Notice, "sequence">): string {
  return resumeToken({ epoch, sequence });
}

/** At most `limit` notices after the token's, in order; the token of the last one gets the next. */
export function noticesAfter(
  registry: Registry,
  token: string,
  limit: number,
): Result<readonly Notice[], ResumeProblem> {
  const [, epoch, digits] = TOKEN.exec(token) ?? [];
  if (epoch === undefined) return err("malformed");
  const seen = Number(digits);
  const oldest = Math.max(1, registry.sequence - MAX_LOGGED_NOTICES + 1);
  if (epoch !== registry.epoch || seen > registry.sequence || seen + 1 < oldest) return err("expired");
  const notices: Notice[] = [];
  for (let sequence = seen + 1; sequence <= registry.sequence && notices.length < limit; sequence++) {
    const notice = registry.log.get(sequence % MAX_LOGGED_NOTICES);
    if (notice !== undefined) notices.push(notice);
  }
  return ok(notices);
}
