// Whether NATS keeps producers and workers out of internal state, asked of the server at each connection.
import type { Names } from "../core/handover/subjects.ts";
import { isFenced } from "../core/trust/confinement.ts";
import type { NatsLink } from "../runtime/nats/connection.ts";
import { readServerUser } from "../runtime/nats/user-info.ts";

export class Fence {
  private readonly link: NatsLink;
  private readonly names: Names;
  private readonly unlisten: () => void;
  private fenced = false;

  constructor(link: NatsLink, names: Names) {
    this.link = link;
    this.names = names;
    // After a reconnect the credentials, or the server, may be others.
    this.unlisten = link.onStatus((status) => {
      if (status.kind === "connected") void this.ask();
    });
  }

  /** True until the server has said otherwise. */
  get unfenced(): boolean {
    return !this.fenced;
  }

  async ask(): Promise<void> {
    const user = await readServerUser(this.link);
    this.fenced = user !== undefined && isFenced(user, this.names);
  }

  stop(): void {
    this.unlisten();
  }
}
