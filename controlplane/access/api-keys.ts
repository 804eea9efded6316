// The API keys that are known: read from their file, and again when it changes.
import { timingSafeEqual } from "node:crypto";
import { open } from "node:fs/promises";
import { ok } from "../../core/result.ts";
import { parseApiKeys } from "../../core/trust/api-keys.ts";
import { BeamlineError, reasonOf } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/log.ts";
import type { Admission } from "./access-control.ts";
import { type TokenSource, unauthenticated } from "./authenticate.ts";
import { type Caller, makeCaller } from "./caller.ts";

/** Read so often; a revoked key is refused after that. */
const REFRESH_MS = 5_000;
const MAX_FILE_BYTES = 1_048_576;
const UNKNOWN = unauthenticated("this API key is not known, or was revoked");

interface KnownKey {
  readonly digest: Buffer;
  readonly admission: { readonly ok: true; readonly value: Caller };
}

export interface ApiKeysOptions {
  readonly file: string;
  readonly log: Logger;
  readonly refreshMs?: number;
}

export class ApiKeys implements TokenSource {
  private readonly options: ApiKeysOptions;
  private text: string;
  private keys: ReadonlyMap<string, KnownKey>;
  private timer: NodeJS.Timeout | undefined;

  private constructor(options: ApiKeysOptions, text: string) {
    this.options = options;
    this.text = text;
    this.keys = readKeys(text, options.file);
  }

  /** Throws BeamlineError INPUT_MISSING or CONFIG_INVALID with the file, and the line that is wrong. */
  static async open(options: ApiKeysOptions): Promise<ApiKeys> {
    const keys = new ApiKeys(options, await readText(options.file));
    keys.timer = setInterval(() => void keys.refresh(), options.refreshMs ?? REFRESH_MS);
    keys.timer.unref();
    return keys;
  }

  find(digest: string): Admission {
    const known = this.keys.get(digest);
    // The look-up is by digest, so that its time tells nothing of a key; neither does this.
    if (known === undefined || !timingSafeEqual(known.digest, Buffer.from(digest, "hex"))) return UNKNOWN;
    return known.admission;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** A file that cannot be read or is wrong changes nothing. */
  private async refresh(): Promise<void> {
    const { file, log } = this.options;
    try {
      const text = await readText(file);
      if (text === this.text) return;
      this.keys = readKeys(text, file);
      this.text = text;
      log.info("API keys read", { file, keys: this.keys.size });
    } catch (error) {
      log.warn("API keys not taken", { reason: reasonOf(error) });
    }
  }
}

function readKeys(text: string, file: string): ReadonlyMap<string, KnownKey> {
  const parsed = parseApiKeys(text);
  if (!parsed.ok)
    throw new BeamlineError("CONFIG_INVALID", `${file}: ${parsed.error}`, {
      hint: "Write it with: npx beamline api-key create",
    });
  return new Map(
    parsed.value.map(({ name, role, digest }) => {
      const caller = makeCaller({ via: "api-key", name, groups: [], role });
      return [digest, { digest: Buffer.from(digest, "hex"), admission: ok(caller) }];
    }),
  );
}

async function readText(file: string): Promise<string> {
  try {
    await using handle = await open(file);
    const { size } = await handle.stat();
    if (size > MAX_FILE_BYTES) throw new Error(`it has ${size} bytes; at most ${MAX_FILE_BYTES} are allowed`);
    return await handle.readFile("utf8");
  } catch (error) {
    throw new BeamlineError("INPUT_MISSING", `${file} cannot be read: ${reasonOf(error)}`, {
      hint: "Make it with: npx beamline api-key create --name NAME --role ROLE --file FILE",
      cause: error,
    });
  }
}
