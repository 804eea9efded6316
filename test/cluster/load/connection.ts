// A client's connection that outlives every restart of the server, and whether it stands now.
import { connect, credsAuthenticator, type NatsConnection } from "@nats-io/transport-node";

const RECONNECT_MS = 100;
const PING_MS = 5_000;

/** A client may know that its connection is gone, and then neither sends nor waits. */
export class ClientConnection {
  readonly nc: NatsConnection;
  private up = true;
  private waiters: (() => void)[] = [];
  private readonly onDown: () => void;

  private constructor(nc: NatsConnection, onDown: () => void) {
    this.nc = nc;
    this.onDown = onDown;
    void this.follow();
  }

  /** `onDown` is called when the connection is lost. */
  static async open(
    url: string,
    login: { readonly name: string; readonly creds: string },
    onDown: () => void = () => undefined,
  ): Promise<ClientConnection> {
    const nc = await connect({
      servers: url,
      name: login.name,
      authenticator: credsAuthenticator(Buffer.from(login.creds)),
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      ignoreAuthErrorAbort: true,
      pingInterval: PING_MS,
    });
    return new ClientConnection(nc, onDown);
  }

  isUp(): boolean {
    return this.up;
  }

  whenUp(): Promise<void> {
    return this.up ? Promise.resolve() : new Promise((resolve) => this.waiters.push(resolve));
  }

  private async follow(): Promise<void> {
    for await (const { type } of this.nc.status()) {
      if (type === "disconnect") {
        this.up = false;
        this.onDown();
      } else if (type === "reconnect") {
        this.up = true;
        for (const resolve of this.waiters.splice(0)) resolve();
      }
    }
  }
}
