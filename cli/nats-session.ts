// One short visit to NATS for a command: connect, do one thing, leave.
import type { RoleName } from "../core/trust/trust.ts";
import { formatConfigProblems, parseConfig } from "../runtime/config.ts";
import { BeamlineError } from "../runtime/errors.ts";
import { createLogger } from "../runtime/log.ts";
import { connectNats, type NatsLink, type NatsOptions } from "../runtime/nats/connection.ts";
import { natsOptions, natsSettings } from "../runtime/nats/settings.ts";
import type { Invocation } from "./command.ts";
import { findCredentials, findEndpoints } from "./endpoints.ts";
import { withProgress } from "./progress.ts";

/** How long a command tries to reach NATS. */
const CONNECT_TIMEOUT_MS = 3_000;

/**
 * Runs `visit` on a connection that is closed afterwards, whatever happens. `role` is the one whose rights it needs, where NATS
 * asks for credentials. Fails as `connectNats` does.
 */
export async function visitNats<T>(
  invocation: Invocation,
  role: RoleName,
  visit: (link: NatsLink) => Promise<T>,
): Promise<T> {
  const { natsUrl, source } = await findEndpoints(invocation);
  const credentialsFile = await findCredentials(invocation, role);
  const { terminal } = invocation;
  const link = await withProgress(terminal, `connecting to ${natsUrl} (from ${source})`, () =>
    connectNats({
      url: natsUrl,
      name: "beamline-cli",
      ...tlsOf(invocation),
      ...(credentialsFile === undefined ? {} : { credentialsFile }),
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

/** Certificates as the processes are told of them: by the environment. */
function tlsOf({ env }: Invocation): Pick<NatsOptions, "tls"> {
  const { natsTlsCaFile, natsTlsCertFile, natsTlsKeyFile } = natsSettings;
  const names = [natsTlsCaFile, natsTlsCertFile, natsTlsKeyFile].map((setting) => setting.env);
  const environment = Object.fromEntries(names.map((name) => [name, env[name]]));
  const parsed = parseConfig(natsSettings, environment);
  if (!parsed.ok) throw new BeamlineError("CONFIG_INVALID", formatConfigProblems(parsed.error));
  const { tls } = natsOptions(parsed.value);
  return tls === undefined ? {} : { tls };
}
