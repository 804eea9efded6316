// Calls of gRPC over HTTP/2, one by one: whole ones with mutated messages, and such with a mutated frame, metadata or end.
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from "node:http2";
import { gzipSync } from "node:zlib";
import { RegistryService } from "../../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ControlPlaneService } from "../../../proto/gen/grpc/controlplane/controlplane.ts";
import { ControlPlaneServiceService } from "../../../proto/gen/grpc/flowctl/v1/control_plane.ts";
import { HealthService } from "../../../proto/gen/grpc/grpc/health/v1/health.ts";
import { BatchHeartbeatRequest, ListRequest } from "../../../proto/gen/messages/beamline/control/v1/registry.ts";
import {
  ConsumerHeartbeatRequest,
  RegisterProcessorRequest,
} from "../../../proto/gen/messages/controlplane/controlplane.ts";
import { RegisterRequest } from "../../../proto/gen/messages/flowctl/v1/control_plane.ts";
import { mutate, pick, type Random, randomBytes } from "./random.ts";

const SERVICES = [ControlPlaneService, RegistryService, ControlPlaneServiceService];
const METHODS = SERVICES.flatMap((service) => Object.values(service));
const UNARY = METHODS.filter(({ requestStream, responseStream }) => !requestStream && !responseStream);
const ANY = [...METHODS, ...Object.values(HealthService), { path: "/nobody.Serves/This" }, { path: "" }, { path: "/" }];
const metadata = { version: "1", input_event_types: "a.v1,b.v1" };
const VALID: readonly Uint8Array[] = [
  RegisterProcessorRequest.encode({ processorId: "p", endpoint: "host:1", metadata }).finish(),
  ConsumerHeartbeatRequest.encode({ consumerId: "c", timestamp: undefined, metrics: { a: 1 }, status: "X" }).finish(),
  RegisterRequest.encode(
    RegisterRequest.fromPartial({ component: { id: "f", type: 2, endpoint: "host:1", metadata }, componentId: "f" }),
  ).finish(),
  ListRequest.encode(
    ListRequest.fromPartial({ filter: { kinds: [1], metadata }, pageSize: 3, pageToken: "t" }),
  ).finish(),
  BatchHeartbeatRequest.encode(
    BatchHeartbeatRequest.fromPartial({ heartbeats: [{ kind: 2, id: "p", status: "X" }] }),
  ).finish(),
];
const PREFIX_BYTES = 5;
/** The server ends what is not finished after 1 s; the rest is for a busy machine. */
const ANSWER_DEADLINE_MS = 30_000;
/** How a stream that the client itself cuts ends, and one that is mutated beyond an answer: by being closed. */
const CLOSED = "closed";

/** How a call ended: its gRPC status, `http <status>`, or `closed`. */
export type Ending = string;

/** The prefix and the message, as gRPC frames it. */
function frame(message: Uint8Array, flags = 0, length = message.length): Buffer {
  const framed = Buffer.alloc(PREFIX_BYTES + message.length);
  framed.writeUInt8(flags, 0);
  framed.writeUInt32BE(length >>> 0, 1);
  framed.set(message, PREFIX_BYTES);
  return framed;
}

/** A session that is opened again when the server has closed it. */
class Session {
  private readonly port: number;
  private open: ClientHttp2Session | undefined;

  constructor(port: number) {
    this.port = port;
  }

  request(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    if (this.open === undefined || this.open.closed || this.open.destroyed) {
      const session = connect(`http://127.0.0.1:${this.port}`);
      session.on("error", () => undefined);
      session.once("goaway", () => session.close());
      this.open = session;
    }
    return this.open.request(headers);
  }

  close(): void {
    this.open?.destroy();
  }
}

export class FuzzedCalls {
  private readonly random: Random;
  private readonly key: string;
  /** A server that closes a connection for what a mutated call did must not take whole calls with it. */
  private readonly whole: Session;
  private readonly mutated: Session;

  constructor(port: number, key: string, random: Random) {
    this.random = random;
    this.key = key;
    this.whole = new Session(port);
    this.mutated = new Session(port);
  }

  close(): void {
    this.whole.close();
    this.mutated.close();
  }

  /** Well-formed to the transport, whatever its message is: resolves to the gRPC status, rejects when there is none. */
  async callWhole(): Promise<Ending> {
    const { path } = pick(this.random, UNARY);
    const message =
      this.random(4) === 0 ? randomBytes(this.random, this.random(200)) : mutate(this.random, pick(this.random, VALID));
    const stream = this.whole.request(this.headers(path));
    stream.end(frame(message));
    const ending = await endingOf(stream);
    // 2 = UNKNOWN, 4 = DEADLINE_EXCEEDED, 14 = UNAVAILABLE: no answer of a control plane that works.
    if (!/^\d+$/.test(ending) || ["2", "4", "14"].includes(ending))
      throw new Error(`${ending} of ${path} to ${message.toString("hex")}`);
    return ending;
  }

  /** Whatever it is, it must end: with a status, or because the server or the client closed it. */
  async callMutated(): Promise<Ending> {
    const { random } = this;
    const { path } = pick(random, ANY);
    const body = this.mutatedBody();
    let stream: ClientHttp2Stream;
    try {
      stream = this.mutated.request(random(3) === 0 ? this.mutatedHeaders(path) : this.headers(path));
    } catch {
      // Refused by the client's own library: nothing was sent.
      return "unsent";
    }
    stream.on("error", () => undefined);
    const cut = random(body.length + 1);
    if (random(3) === 0) {
      stream.write(body.subarray(0, cut));
      setImmediate(() => stream.end(body.subarray(cut)));
    } else stream.end(body);
    if (random(8) === 0) setImmediate(() => stream.close(random(14)));
    // Watches stay open for as long as their client wants.
    else if (!UNARY.some((method) => method.path === path)) setTimeout(() => stream.close(), random(50)).unref();
    return endingOf(stream);
  }

  private mutatedBody(): Buffer {
    const { random } = this;
    const message = mutate(random, pick(random, VALID));
    switch (random(7)) {
      case 0:
        return frame(message, 0, random(2) === 0 ? message.length + random(1_000) : random(0x1_0000_0000));
      case 1:
        return frame(message, 1 + random(255));
      case 2:
        return frame(mutate(random, gzipSync(message)), 1);
      case 3:
        return Buffer.concat(Array.from({ length: 1 + random(5) }, () => frame(message)));
      case 4:
        return randomBytes(random, random(300));
      case 5:
        return frame(gzipSync(Buffer.alloc(random(2) * 5_000_000)), 1);
      default:
        return mutate(random, frame(message));
    }
  }

  private headers(path: string): OutgoingHttpHeaders {
    return {
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      authorization: `Bearer ${this.key}`,
    };
  }

  private mutatedHeaders(path: string): OutgoingHttpHeaders {
    const { random } = this;
    const text = (length: number) =>
      randomBytes(random, length)
        .toString("latin1")
        .replaceAll(/[^\t\x20-\x7e]/g, "x");
    const headers = this.headers(random(4) === 0 ? `/${text(random(30)).trim()}` : path);
    switch (random(8)) {
      case 0:
        return { ...headers, authorization: `Bearer ${text(random(60))}` };
      case 1:
        return { ...headers, "grpc-timeout": pick(random, ["1n", "99999999H", "-1S", "S", text(8), "00000001m"]) };
      case 2:
        return { ...headers, "grpc-encoding": pick(random, ["gzip", "deflate", "snappy", text(5)]) };
      case 3:
        return { ...headers, "content-type": pick(random, ["application/grpc+json", "text/html", "", text(20)]) };
      case 4:
        return { ...headers, "x-bin": text(random(200)), "-bin": text(3), "grpc-trace-bin": text(9) };
      case 5:
        return { ...headers, ":method": pick(random, ["GET", "PUT", "OPTIONS", "POST"]) };
      case 6:
        return {
          ...headers,
          ...Object.fromEntries(Array.from({ length: random(200) }, (_, i) => [`x-${i}`, text(20)])),
        };
      default:
        return { ...headers, "x-long": text(random(40_000)) };
    }
  }
}

function endingOf(stream: ClientHttp2Stream): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("a call was not answered")), ANSWER_DEADLINE_MS);
    let ending: Ending | undefined;
    const read = (headers: Readonly<Record<string, unknown>>): void => {
      if (headers["grpc-status"] !== undefined) ending = String(headers["grpc-status"]);
      else if (headers[":status"] !== undefined && headers[":status"] !== 200) ending ??= `http ${headers[":status"]}`;
    };
    stream.on("response", read);
    stream.on("trailers", read);
    stream.on("error", () => undefined);
    stream.once("close", () => {
      clearTimeout(timer);
      resolve(ending ?? CLOSED);
    });
    stream.resume();
  });
}
