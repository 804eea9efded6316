// Makes what is missing of keys, accounts and credentials wherever they are kept; a run that was cut short is completed.
import type { RoleName, Trust } from "../../core/trust/trust.ts";
import { BeamlineError } from "../../runtime/errors.ts";
import { issueAccounts } from "./issue.ts";
import { addMissingUsers, createKeyRing, encodeKeyRing, parseKeyRing, rotateUser } from "./key-ring.ts";

/** What is kept now; what is absent was never written. */
export interface StoredAccounts {
  readonly keys?: string;
  readonly accountsConf?: string;
  readonly credentials: ReadonlyMap<RoleName, string>;
}

/** Where accounts are kept: a folder, or a namespace of Kubernetes. */
export interface AccountStore {
  /** For messages: where the keys are. */
  readonly keysPlace: string;
  /** Roles whose credentials are kept here. */
  readonly roles: readonly RoleName[];
  read(): Promise<StoredAccounts>;
  /** False when there are keys already: whoever was first decides. */
  createKeys(text: string): Promise<boolean>;
  /** Replaces what `read` gave last. False when somebody else has done so meanwhile. */
  replaceKeys(text: string): Promise<boolean>;
  /** Returns where it is. */
  writeAccountsConf(text: string): Promise<string>;
  writeCredentials(role: RoleName, text: string): Promise<string>;
}

export interface PreparedPart {
  readonly part: "keys" | "accounts" | RoleName;
  readonly place: string;
  readonly action: "created" | "updated";
}

export interface PrepareOptions {
  readonly trust: Trust;
  /** Its user gets another key, and credentials made before become void. */
  readonly rotate?: RoleName;
  nowMs(): number;
}

/** Others that change the same keys at the same time make it begin again. */
const MAX_ROUNDS = 5;

/** Returns what was written; nothing when all was there. Throws BeamlineError CONFIG_INVALID, UNAVAILABLE and the store's. */
export async function prepareAccounts(store: AccountStore, options: PrepareOptions): Promise<readonly PreparedPart[]> {
  const written: PreparedPart[] = [];
  let { rotate } = options;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = await store.read();
    if (before.keys === undefined) {
      if (await store.createKeys(encodeKeyRing(createKeyRing())))
        written.push({ part: "keys", place: store.keysPlace, action: "created" });
      continue;
    }
    const ring = parseKeyRing(before.keys, store.keysPlace);
    const whole = addMissingUsers(ring);
    if (whole !== ring) {
      if (await store.replaceKeys(encodeKeyRing(whole)))
        written.push({ part: "keys", place: store.keysPlace, action: "updated" });
      continue;
    }
    if (rotate !== undefined) {
      if (await store.replaceKeys(encodeKeyRing(rotateUser(ring, rotate, options.nowMs())))) {
        written.push({ part: "keys", place: store.keysPlace, action: "updated" });
        rotate = undefined;
      }
      continue;
    }
    const issued = await issueAccounts(ring, options.trust, before);
    // Credentials before accounts: new ones are valid at once, and the old ones only end with the new accounts.
    for (const role of store.roles) {
      const text = issued.credentials.get(role) ?? "";
      const had = before.credentials.get(role);
      if (had === text) continue;
      const place = await store.writeCredentials(role, text);
      written.push({ part: role, place, action: had === undefined ? "created" : "updated" });
    }
    if (before.accountsConf !== issued.accountsConf) {
      const place = await store.writeAccountsConf(issued.accountsConf);
      written.push({ part: "accounts", place, action: before.accountsConf === undefined ? "created" : "updated" });
    }
    // Somebody may have replaced a key in between: what was written then belongs to the old one.
    if ((await store.read()).keys === before.keys) return written;
  }
  throw new BeamlineError("UNAVAILABLE", `${store.keysPlace} was changed by others again and again`, {
    hint: "Run it again when no other one runs.",
  });
}
