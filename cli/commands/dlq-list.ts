// `beamline dlq list`: which messages were refused lately, and why.
import { namesFor } from "../../core/handover/subjects.ts";
import type { Command } from "../command.ts";
import { type DeadLetterFilter, MAX_SCANNED, readDeadLetters } from "../dead-letters.ts";
import { visitNats } from "../nats-session.ts";
import { durationOption, integerOption, textOption } from "../option-values.ts";
import { withProgress } from "../progress.ts";

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 10_000;

export const dlqListCommand: Command = {
  name: "dlq list",
  summary: "List refused messages: when, why, whose, which field",
  usage: "[--reason REASON] [--tenant TENANT] [--since 1h] [--limit N]",
  options: {
    limit: { type: "string", short: "n", valueName: "N", description: `show the newest N (default ${DEFAULT_LIMIT})` },
    reason: { type: "string", valueName: "REASON", description: "only this reason or intake error code" },
    tenant: { type: "string", valueName: "TENANT", description: "only this tenant" },
    since: { type: "string", valueName: "TIME", description: "only what is younger than this: 90s, 15m, 24h" },
  },
  examples: ["npx beamline dlq list", "npx beamline dlq list --reason missing_tenant_id --since 1h --output json"],
  run: async (invocation) => {
    const { terminal, values } = invocation;
    const limit = integerOption(values, "limit", { min: 1, max: MAX_LIMIT, fallback: DEFAULT_LIMIT });
    const reason = textOption(values, "reason");
    const tenant = textOption(values, "tenant");
    const ageMs = textOption(values, "since") === undefined ? undefined : durationOption(values, "since", 0);
    const filter: DeadLetterFilter = {
      ...(reason === undefined ? {} : { reason }),
      ...(tenant === undefined ? {} : { tenant }),
      ...(ageMs === undefined ? {} : { sinceMs: Date.now() - ageMs }),
    };
    const { letters, more } = await visitNats(invocation, "operator", (link) =>
      withProgress(terminal, "reading dead letters", () =>
        readDeadLetters(link, namesFor().streams.dlq, filter, limit),
      ),
    );
    if (terminal.format === "json") {
      terminal.printJson({ letters, more });
      return 0;
    }
    const rows = letters.map(({ time, reason, tenant, field, subject }) => [time, reason, tenant, field, subject]);
    if (rows.length > 0) terminal.printTable({ columns: ["time", "reason", "tenant", "field", "subject"], rows });
    else terminal.note("no dead letters");
    if (more) terminal.note(`there are older ones: raise --limit (one call looks at ${MAX_SCANNED} messages at most)`);
    return 0;
  },
};
