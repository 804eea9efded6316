// A `beamline up --secure` for a test, connections in each role, and a look at the internal account that no role has.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { encodeUser, fmtCreds } from "@nats-io/jwt";
import { createUser } from "@nats-io/nkeys";
import { connect, credsAuthenticator, type NatsConnection } from "@nats-io/transport-node";
import { accountsConfPath, credentialsPath } from "../../cli/accounts/account-folder.ts";
import { parseKeyRing } from "../../cli/accounts/key-ring.ts";
import type { RoleName } from "../../core/trust/trust.ts";
import { testNatsServer } from "../support/nats.ts";
import { skipUnless } from "../support/skip.ts";
import { type RunningUp, requireProcessTable, startUp } from "./up-process.ts";

export interface SecureUp {
  readonly up: RunningUp;
  readonly accountsDir: string;
  readonly accountsConf: string;
  connectAs(role: RoleName): Promise<GuardedConnection>;
  /** What the server has refused to operator and routers, as its log has it. */
  refusedInside(): Promise<readonly string[]>;
  /** A user of the internal account who may do everything: for looking, made from the keys. */
  inspect(): Promise<NatsConnection>;
  dispose(): Promise<void>;
}

/** A connection that remembers what the server refused it. */
export interface GuardedConnection {
  readonly nc: NatsConnection;
  /** Every refusal so far, as the server says it. */
  readonly refusals: ReadonlySet<string>;
}

/** After this a message whose acknowledgement was lost with a connection comes again. */
const ACK_WAIT = "5s";

export interface SecureUpOptions {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export async function startSecureUp(context: Mocha.Context, options: SecureUpOptions = {}): Promise<SecureUp> {
  const program = await testNatsServer().catch(() => undefined);
  skipUnless(context, program !== undefined, "no nats-server can be had");
  requireProcessTable(context);
  const up = await startUp({
    flags: ["--secure", ...(options.flags ?? [])],
    env: { BEAMLINE_ACK_WAIT: ACK_WAIT, ...options.env },
  });
  const accountsDir = join(up.folder.path, ".beamline", "nats-accounts");
  const open: NatsConnection[] = [];
  const dial = async (credentials: Uint8Array): Promise<NatsConnection> => {
    const nc = await connect({ servers: up.natsUrl, authenticator: credsAuthenticator(credentials) });
    open.push(nc);
    return nc;
  };
  return {
    up,
    accountsDir,
    accountsConf: accountsConfPath(accountsDir),
    connectAs: async (role) => guard(await dial(await readFile(credentialsPath(accountsDir, role)))),
    refusedInside: async () => {
      const log = await readFile(join(up.folder.path, ".beamline", "logs", "nats-server.log"), "utf8");
      if (!log.includes("Server is ready")) throw new Error("the log of nats-server is not what it was");
      return log.split("\n").filter((line) => line.includes("Violation") && line.includes("/BEAMLINE/"));
    },
    inspect: async () => dial(await makeInspector(join(accountsDir, "keys.json"))),
    dispose: async () => {
      await Promise.all(open.map((nc) => nc.close()));
      await up.dispose();
    },
  };
}

function guard(nc: NatsConnection): GuardedConnection {
  const refusals = new Set<string>();
  void (async () => {
    for await (const status of nc.status()) if (status.type === "error") refusals.add(status.error.message);
  })();
  return { nc, refusals };
}

async function makeInspector(keysFile: string): Promise<Uint8Array> {
  const ring = parseKeyRing(await readFile(keysFile, "utf8"), keysFile);
  const account = ring.accounts.get("BEAMLINE");
  if (account === undefined) throw new Error("no internal account");
  const user = createUser();
  return fmtCreds(await encodeUser("inspector", user, account), user);
}
