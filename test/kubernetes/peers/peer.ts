// A peer that speaks the list-and-watch protocol over real HTTP and can be told to misbehave exactly once, or for ever.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ClusterAccess, Credentials } from "../../../kubernetes/access/cluster-access.ts";
import { KubernetesClient } from "../../../kubernetes/client.ts";
import type { KubernetesObject, ResourceType } from "../../../kubernetes/object.ts";

export const WIDGET: ResourceType = {
  group: "test.beamline.dev",
  version: "v1",
  kind: "Widget",
  plural: "widgets",
  namespaced: false,
};

/** Answers a request itself (true) or lets the peer do it (false). */
export type Fault = (request: IncomingMessage, response: ServerResponse, url: URL) => boolean;

export class Peer implements AsyncDisposable {
  version = 100;
  lists = 0;
  watches = 0;
  readonly requests: string[] = [];
  /** Asked in turn, until one answers; each stays until it is removed. */
  readonly faults: Fault[] = [];
  readonly watchers = new Set<ServerResponse>();
  private readonly objects = new Map<string, KubernetesObject>();
  private readonly log: { readonly version: number; readonly line: string }[] = [];
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
  }

  static async start(): Promise<Peer> {
    const server = createServer();
    const peer = new Peer(server);
    server.on("request", (request, response) => peer.answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return peer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  client(readCredentials: () => Promise<Credentials> = async () => ({})): KubernetesClient {
    const access: ClusterAccess = {
      server: new URL(this.url),
      insecureSkipTlsVerify: false,
      namespace: "default",
      origin: "a test",
      readCredentials,
    };
    return KubernetesClient.create({ access, userAgent: "beamline-test" });
  }

  put(name: string): void {
    const before = this.objects.get(name);
    this.version++;
    const object = { metadata: { name, uid: `uid-${name}`, resourceVersion: String(this.version) } };
    this.objects.set(name, object);
    this.tell(before === undefined ? "ADDED" : "MODIFIED", object);
  }

  /** Everything below is forgotten: older versions are answered with 410. */
  forget(): void {
    this.version++;
    this.log.length = 0;
  }

  /** Answers the next `times` requests that `matches` picks. */
  misbehave(
    times: number,
    matches: (url: URL) => boolean,
    act: (request: IncomingMessage, response: ServerResponse) => void,
  ): void {
    let left = times;
    this.faults.push((request, response, url) => {
      if (left === 0 || !matches(url)) return false;
      left--;
      act(request, response);
      return true;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", this.url);
    this.requests.push(`${request.method} ${url.pathname}${url.search}`);
    if (isWatch(url)) this.watches++;
    else this.lists++;
    request.resume();
    if (this.faults.some((fault) => fault(request, response, url))) return;
    if (isWatch(url)) this.watch(url, response);
    else
      sendJson(response, 200, {
        metadata: { resourceVersion: String(this.version) },
        items: [...this.objects.values()],
      });
  }

  private watch(url: URL, response: ServerResponse): void {
    const after = Number(url.searchParams.get("resourceVersion"));
    const oldest = this.log[0]?.version ?? this.version + 1;
    if (after < oldest - 1) {
      sendJson(response, 410, { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" });
      return;
    }
    openStream(response);
    for (const { version, line } of this.log) if (version > after) response.write(line);
    this.watchers.add(response);
    response.once("close", () => this.watchers.delete(response));
  }

  private tell(type: string, object: KubernetesObject): void {
    const line = `${JSON.stringify({ type, object })}\n`;
    this.log.push({ version: this.version, line });
    for (const watcher of this.watchers) watcher.write(line);
  }
}

export function isWatch(url: URL): boolean {
  return url.searchParams.get("watch") === "true";
}

export function isList(url: URL): boolean {
  return !isWatch(url);
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

/** Headers only, sent at once: a watch that is open and silent. */
export function openStream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
}
