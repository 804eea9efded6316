// Accounts in a folder: keys and credentials for their owner's eyes only, each file replaced whole.
import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ROLES, type RoleName } from "../../core/trust/trust.ts";
import { BeamlineError, reasonOf } from "../../runtime/errors.ts";
import type { AccountStore, StoredAccounts } from "./prepare-accounts.ts";

const KEYS_FILE = "keys.json";
const ACCOUNTS_FILE = "accounts.conf";
const OWNER_ONLY = 0o600;
const READABLE = 0o644;

export function credentialsPath(folder: string, role: RoleName): string {
  return join(folder, `${role}.creds`);
}

export function accountsConfPath(folder: string): string {
  return join(folder, ACCOUNTS_FILE);
}

export class AccountFolder implements AccountStore {
  readonly roles = ROLES;
  readonly keysPlace: string;
  private readonly folder: string;
  private lastKeys: string | undefined;

  constructor(folder: string) {
    this.folder = folder;
    this.keysPlace = join(folder, KEYS_FILE);
  }

  async read(): Promise<StoredAccounts> {
    const keys = await readIfThere(this.keysPlace);
    const accountsConf = await readIfThere(accountsConfPath(this.folder));
    const credentials = new Map<RoleName, string>();
    for (const role of this.roles) {
      const text = await readIfThere(credentialsPath(this.folder, role));
      if (text !== undefined) credentials.set(role, text);
    }
    this.lastKeys = keys;
    return {
      ...(keys === undefined ? {} : { keys }),
      ...(accountsConf === undefined ? {} : { accountsConf }),
      credentials,
    };
  }

  /** A link is made whole or not at all, and not over another file. */
  createKeys(text: string): Promise<boolean> {
    return this.store(text, OWNER_ONLY, async (temporary) => {
      try {
        await link(temporary, this.keysPlace);
        return true;
      } catch (error) {
        if (codeOf(error) === "EEXIST") return false;
        throw error;
      }
    });
  }

  async replaceKeys(text: string): Promise<boolean> {
    if ((await readIfThere(this.keysPlace)) !== this.lastKeys) return false;
    await this.replace(this.keysPlace, text, OWNER_ONLY);
    return true;
  }

  writeAccountsConf(text: string): Promise<string> {
    return this.replace(accountsConfPath(this.folder), text, READABLE);
  }

  writeCredentials(role: RoleName, text: string): Promise<string> {
    return this.replace(credentialsPath(this.folder, role), text, OWNER_ONLY);
  }

  private replace(path: string, text: string, mode: number): Promise<string> {
    return this.store(text, mode, async (temporary) => {
      await rename(temporary, path);
      return path;
    });
  }

  private async store<T>(text: string, mode: number, place: (temporary: string) => Promise<T>): Promise<T> {
    const temporary = join(this.folder, `.${randomBytes(8).toString("hex")}`);
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      await writeFile(temporary, text, { mode, flag: "wx" });
      return await place(temporary);
    } catch (error) {
      throw folderError(this.folder, error);
    } finally {
      // After a rename there is nothing left to remove.
      await rm(temporary, { force: true });
    }
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw new BeamlineError("PERMISSION_DENIED", `${path} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

function folderError(folder: string, error: unknown): BeamlineError {
  const code = codeOf(error);
  if (code === "ENOSPC" || code === "EDQUOT")
    return new BeamlineError("STORAGE_FULL", `${folder} is full`, { hint: "Free space there.", cause: error });
  return new BeamlineError("STORAGE_READ_ONLY", `${folder} cannot be written to: ${reasonOf(error)}`, {
    hint: "Choose a folder that this user can write to.",
    cause: error,
  });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
