// Keeps credentials for a minute, reads them again when they are refused, and never twice at once.
import type { Clock } from "../../runtime/clock.ts";
import type { ClusterAccess, Credentials } from "./cluster-access.ts";

/** A projected token is replaced when 80 % of its life of at least 10 minutes are over, so a minute is early enough. */
export const CREDENTIALS_TTL_MS = 60_000;
/** Read again this long before they end. */
const EXPIRY_MARGIN_MS = 30_000;
/** Refused credentials are read again at most this often: whoever is refused for good must not run a program in a loop. */
const REFRESH_INTERVAL_MS = 1_000;

export class CredentialCache {
  private readonly access: ClusterAccess;
  private readonly clock: Clock;
  private held: Credentials | undefined;
  private readAtMs = Number.NEGATIVE_INFINITY;
  private reading: Promise<Credentials> | undefined;

  constructor(access: ClusterAccess, clock: Clock) {
    this.access = access;
    this.clock = clock;
  }

  /** Throws what `readCredentials` throws, unless older ones are there: those are used until they are refused. */
  async current(): Promise<Credentials> {
    if (this.held === undefined || this.isDue(this.held)) {
      const held = this.held;
      return held === undefined ? this.read() : this.read().catch(() => held);
    }
    return this.held;
  }

  /** After a 401: resolves to whether there is something new to try. */
  async refresh(refused: Credentials): Promise<boolean> {
    if (this.held !== undefined && this.held !== refused) return !sameCredentials(this.held, refused);
    if (this.clock.monotonicMs() - this.readAtMs < REFRESH_INTERVAL_MS) return false;
    return !sameCredentials(await this.read(), refused);
  }

  /** After a TLS failure: the authority may have been replaced. */
  async reload(): Promise<void> {
    if (this.clock.monotonicMs() - this.readAtMs >= REFRESH_INTERVAL_MS) await this.read();
  }

  private isDue(held: Credentials): boolean {
    const expiring = held.expiresAtMs !== undefined && held.expiresAtMs - this.clock.nowMs() < EXPIRY_MARGIN_MS;
    const ageMs = this.clock.monotonicMs() - this.readAtMs;
    return ageMs >= CREDENTIALS_TTL_MS || (expiring && ageMs >= REFRESH_INTERVAL_MS);
  }

  private read(): Promise<Credentials> {
    this.reading ??= this.access
      .readCredentials()
      .then((credentials) => {
        this.held = credentials;
        return credentials;
      })
      .finally(() => {
        this.readAtMs = this.clock.monotonicMs();
        this.reading = undefined;
      });
    return this.reading;
  }
}

function sameCredentials(a: Credentials, b: Credentials): boolean {
  return a.token === b.token && a.caPem === b.caPem && a.certPem === b.certPem && a.keyPem === b.keyPem;
}
