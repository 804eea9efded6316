// One short visit to NATS for a command: connect, do one thing, leave.
import { createLogger } from "../runtime/log.ts";
import { connectNats, type NatsLink } from "../runtime/nats/connection.ts";
import type { Invocation } from "./command.ts";
import { findEndpoints } from "./endpoints.ts";
import { withProgress } from "./progress.ts";

/** How long a command tries to reach NATS. */
const CONNECT_TIMEOUT_MS = 3_000;

/** Runs `visit` on a connection that is closed afterwards, whatever happens. Fails as `connectNats` does. */
export async function visitNats<T>(invocation: Invocation, visit: (link: NatsLink) => Promise<T>): Promise<T> {
  const { natsUrl, source } = await findEndpoints(invocation);
  const { terminal } = invocation;
  const link = await withProgress(terminal, `connecting to ${natsUrl} (from ${source})`, () =>
    connectNats({
      url: natsUrl,
      name: "beamline-cli",
      timeoutMs: CONNECT_TIMEOUT_MS,
      // What goes wrong is thrown and told once, in the command's own words.
      log: createLogger({ service: "cli", level: "silent" }),
    }),
  );
  try {
    return await visit(link);
  } finally {
    await link.close();
  }
}
