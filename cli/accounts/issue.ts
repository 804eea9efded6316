// From keys and the description of who may do what: the server's accounts and each role's credentials, as texts.
import {
  type Account as AccountClaims,
  encodeAccount,
  encodeOperator,
  encodeUser,
  equivalent,
  fmtCreds,
  type User as UserClaims,
} from "@nats-io/jwt";
import type { Crossing } from "../../core/trust/grant.ts";
import {
  type Account,
  type AccountName,
  type Role,
  type RoleName,
  SYSTEM_ACCOUNT,
  type Trust,
} from "../../core/trust/trust.ts";
import type { KeyRing } from "./key-ring.ts";

/** What a server and its clients are given. */
export interface IssuedAccounts {
  /** Part of a nats-server configuration: names the operator and holds every account. No secret. */
  readonly accountsConf: string;
  /** `.creds` files. */
  readonly credentials: ReadonlyMap<RoleName, string>;
}

const OPERATOR_NAME = "beamline";
/** The server's own limits hold for the internal account; the others have no streams. */
const UNLIMITED = -1;
const CONNECTION_LIMITS = {
  subs: UNLIMITED,
  data: UNLIMITED,
  payload: UNLIMITED,
  conn: UNLIMITED,
  leaf: 0,
  imports: UNLIMITED,
  exports: UNLIMITED,
  wildcards: true,
} as const;
const STORAGE_LIMITS = {
  mem_storage: UNLIMITED,
  disk_storage: UNLIMITED,
  streams: UNLIMITED,
  consumer: UNLIMITED,
} as const;

/**
 * The same keys and the same trust give texts that mean the same. What means the same as in `before` is taken from there
 * as it is, so that nothing is written or restarted because a token carries another time.
 */
export async function issueAccounts(
  ring: KeyRing,
  trust: Trust,
  before: Partial<IssuedAccounts> = {},
): Promise<IssuedAccounts> {
  const known = before.accountsConf === undefined ? [] : listTokens(before.accountsConf);
  const systemAccount = publicKey(ring.accounts, SYSTEM_ACCOUNT);
  const operator = await encodeOperator(OPERATOR_NAME, ring.operator, { system_account: systemAccount });
  const accounts: string[] = [];
  for (const account of trust.accounts) {
    const key = keyOf(ring.accounts, account.name);
    const claims = accountClaims(account, ring);
    const token = await encodeAccount(account.name, key, claims, { signer: ring.operator });
    accounts.push(`  # ${account.name}\n  ${key.getPublicKey()}: ${await reuse(token, known)}`);
  }
  const lines = [
    "# Made by `beamline nats-accounts`; include it in the configuration of nats-server. Changes by hand are lost.",
    `operator: ${await reuse(operator, known)}`,
    `system_account: ${systemAccount}`,
    "resolver: MEMORY",
    "resolver_preload: {",
    ...accounts,
    "}",
  ];
  const credentials = new Map<RoleName, string>();
  for (const role of trust.roles) {
    credentials.set(role.name, await issueCredentials(role, ring, before.credentials?.get(role.name)));
  }
  return { accountsConf: `${lines.join("\n")}\n`, credentials };
}

async function issueCredentials(role: Role, ring: KeyRing, before: string | undefined): Promise<string> {
  const user = keyOf(ring.users, role.name);
  const claims: Partial<UserClaims> = {
    pub: { allow: role.publish.map(({ subject }) => subject), deny: [] },
    sub: { allow: role.subscribe.map(({ subject }) => subject), deny: [] },
  };
  const token = await encodeUser(role.name, user, keyOf(ring.accounts, role.account), claims);
  return new TextDecoder().decode(fmtCreds(await reuse(token, listTokens(before ?? "")), user));
}

function accountClaims(account: Account, ring: KeyRing): Partial<AccountClaims> {
  const revocations = ring.revoked.get(account.name) ?? {};
  return {
    limits: { ...CONNECTION_LIMITS, ...(account.jetstream ? STORAGE_LIMITS : {}) },
    exports: account.exports.map((crossing) => ({
      name: crossing.subject,
      subject: crossing.subject,
      type: crossing.kind,
      ...responseType(crossing),
    })),
    imports: account.imports.map(({ kind, subject, from }) => ({
      name: subject,
      subject,
      type: kind,
      account: publicKey(ring.accounts, from),
    })),
    ...(Object.keys(revocations).length === 0 ? {} : { revocations }),
  };
}

function responseType({ kind, manyAnswers }: Crossing): { response_type?: "Singleton" | "Stream" } {
  if (kind === "stream") return {};
  return { response_type: manyAnswers === true ? "Stream" : "Singleton" };
}

/** Tokens of JWT form in a text that was issued before. */
function listTokens(text: string): readonly string[] {
  return text.match(/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g) ?? [];
}

async function reuse(token: string, known: readonly string[]): Promise<string> {
  const subject = subjectOf(token);
  for (const candidate of known) {
    // Comparing verifies signatures, which is slow. One that somebody has damaged is none that means the same.
    if (subjectOf(candidate) === subject && (await equivalent(candidate, token).catch(() => false))) return candidate;
  }
  return token;
}

/** The key that a token is about; undefined for something that only looks like one. */
function subjectOf(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")).sub;
  } catch {
    return undefined;
  }
}

function publicKey(keys: KeyRing["accounts"], name: AccountName): string {
  return keyOf(keys, name).getPublicKey();
}

function keyOf<Name extends string, Key>(keys: ReadonlyMap<Name, Key>, name: Name): Key {
  const key = keys.get(name);
  if (key === undefined) throw new Error(`no key for ${name}`);
  return key;
}
