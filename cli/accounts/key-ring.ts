// The keys behind all accounts: made once, kept in one place, and read by nothing but what issues credentials from them.
import { createAccount, createOperator, createUser, fromSeed, type KeyPair } from "@nats-io/nkeys";
import { type AccountName, ROLES, type RoleName, trustFor } from "../../core/trust/trust.ts";
import { BeamlineError } from "../../runtime/errors.ts";

export interface KeyRing {
  readonly operator: KeyPair;
  readonly accounts: ReadonlyMap<AccountName, KeyPair>;
  readonly users: ReadonlyMap<RoleName, KeyPair>;
  /** Public keys of users that were replaced, with the second since the Unix epoch up to which theirs are void. */
  readonly revoked: ReadonlyMap<AccountName, Readonly<Record<string, number>>>;
}

/** What is stored: seeds, from which everything else follows. */
interface KeyFile {
  readonly version: 1;
  readonly operator: string;
  readonly accounts: Readonly<Record<string, string>>;
  readonly users: Readonly<Record<string, string>>;
  readonly revoked: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** A revocation that is forgotten makes the old credentials valid again, so none is: at this many no more are taken. */
export const MAX_REVOKED_USERS = 1_000;
const MS_PER_SECOND = 1_000;

export function createKeyRing(): KeyRing {
  const { accounts, roles } = trustFor();
  return {
    operator: createOperator(),
    accounts: new Map(accounts.map(({ name }) => [name, createAccount()])),
    users: new Map(roles.map(({ name }) => [name, createUser()])),
    revoked: new Map(),
  };
}

/** A ring in which `role` has another key, and the one before is void. Throws CONFIG_INVALID at MAX_REVOKED_USERS. */
export function rotateUser(ring: KeyRing, role: RoleName, nowMs: number): KeyRing {
  const account = accountOf(role);
  const before = ring.revoked.get(account) ?? {};
  if (Object.keys(before).length >= MAX_REVOKED_USERS) {
    throw new BeamlineError("CONFIG_INVALID", `account ${account} has ${MAX_REVOKED_USERS} revoked users already`, {
      hint: "Make accounts anew in another folder or under another prefix, and move everybody there.",
    });
  }
  const old = ring.users.get(role);
  const revoked = old === undefined ? before : { ...before, [old.getPublicKey()]: Math.floor(nowMs / MS_PER_SECOND) };
  return {
    ...ring,
    users: new Map([...ring.users, [role, createUser()]]),
    revoked: new Map([...ring.revoked, [account, revoked]]),
  };
}

function accountOf(role: RoleName): AccountName {
  const found = trustFor().roles.find(({ name }) => name === role);
  if (found === undefined) throw new Error(`no role ${role}`);
  return found.account;
}

export function encodeKeyRing(ring: KeyRing): string {
  const seeds = (keys: ReadonlyMap<string, KeyPair>): Record<string, string> =>
    Object.fromEntries([...keys].map(([name, key]) => [name, seedOf(key)]));
  const file: KeyFile = {
    version: 1,
    operator: seedOf(ring.operator),
    accounts: seeds(ring.accounts),
    users: seeds(ring.users),
    revoked: Object.fromEntries(ring.revoked),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** The ring with a key for each role that has none yet, as in one of an earlier release; the ring itself when none is missing. */
export function addMissingUsers(ring: KeyRing): KeyRing {
  const missing = ROLES.filter((role) => !ring.users.has(role));
  if (missing.length === 0) return ring;
  return { ...ring, users: new Map([...ring.users, ...missing.map((role) => [role, createUser()] as const)]) };
}

/** Throws CONFIG_INVALID, which names `place` and quotes nothing of the text. Roles of a later release are left out. */
export function parseKeyRing(text: string, place: string): KeyRing {
  try {
    const file: KeyFile = JSON.parse(text);
    if (file.version !== 1) throw new Error(`version ${String(file.version)} is not known`);
    const { accounts, roles } = trustFor();
    return {
      operator: keyOf(file.operator, "O"),
      accounts: new Map(accounts.map(({ name }) => [name, keyOf(file.accounts[name], "A")])),
      users: new Map(
        roles
          .filter(({ name }) => file.users[name] !== undefined)
          .map(({ name }) => [name, keyOf(file.users[name], "U")]),
      ),
      revoked: new Map(accounts.map(({ name }) => [name, file.revoked[name] ?? {}])),
    };
  } catch {
    // The reason may quote a seed.
    throw new BeamlineError("CONFIG_INVALID", `${place} does not hold the keys of NATS accounts`, {
      hint: "Put back a copy of it; without one, remove it, and every credentials file made from it becomes void.",
    });
  }
}

export function isRoleName(text: string): text is RoleName {
  return (ROLES as readonly string[]).includes(text);
}

function keyOf(seed: string | undefined, kind: "O" | "A" | "U"): KeyPair {
  const key = fromSeed(new TextEncoder().encode(seed ?? ""));
  if (!key.getPublicKey().startsWith(kind)) throw new Error(`a key of another kind than ${kind}`);
  return key;
}

function seedOf(key: KeyPair): string {
  return new TextDecoder().decode(key.getSeed());
}
