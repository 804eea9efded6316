// Frames of HTTP/2 on plain sockets: right ones, mutated, truncated and reordered ones, and floods of one kind.
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { mutate, pick, type Random, randomBytes } from "./random.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  rst: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
};
const END_STREAM = 1;
const END_HEADERS = 4;
const HEADER_BYTES = 9;
/** A server that keeps a connection open after this is left, by the client. */
const MAX_OPEN_MS = 2_000;
const FLOOD_FRAMES = 2_000;

function frame(type: number, flags: number, stream: number, payload: Uint8Array, length = payload.length): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + payload.length);
  bytes.writeUIntBE(length, 0, 3);
  bytes.writeUInt8(type, 3);
  bytes.writeUInt8(flags, 4);
  bytes.writeUInt32BE(stream >>> 0, 5);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** A header as a literal without index and without Huffman coding: no state of the connection is needed. */
function literal(name: string, value: string): Buffer {
  const part = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text, "latin1")]);
  return Buffer.concat([Buffer.from([0]), part(name), part(value)]);
}

function headerBlock(path: string): Buffer {
  return Buffer.concat([
    literal(":method", "POST"),
    literal(":scheme", "http"),
    literal(":path", path),
    literal(":authority", "x"),
    literal("content-type", "application/grpc"),
    literal("te", "trailers"),
  ]);
}

const BLOCK = headerBlock("/obsrvr.flow.controlplane.ControlPlane/RegisterProcessor");
const EMPTY_MESSAGE = Buffer.alloc(5);
const PING = frame(TYPE.ping, 0, 0, Buffer.alloc(8));
const SETTINGS = frame(TYPE.settings, 0, 0, Buffer.alloc(0));

export class RawFrames {
  private readonly port: number;
  private readonly random: Random;

  constructor(port: number, random: Random) {
    this.port = port;
    this.random = random;
  }

  /** One connection with at most `max` frames on it; resolves to how many there were, when it is closed. */
  async sendConnection(max: number): Promise<number> {
    const frames = this.random(50) === 0 ? this.flood() : this.mixed();
    const sent = frames.slice(0, Math.max(1, max));
    const socket = connect(this.port, "127.0.0.1");
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => undefined);
    if (this.random(10) > 0) socket.resume();
    const bytes = Buffer.concat([this.random(20) === 0 ? mutate(this.random, PREFACE) : PREFACE, SETTINGS, ...sent]);
    const end = this.random(4) === 0 ? this.random(bytes.length) : bytes.length;
    await this.write(socket, bytes.subarray(0, end));
    // Sometimes with a FIN, sometimes with a reset, sometimes left to the server for a while.
    const leave = this.random(3);
    if (leave === 0) socket.resetAndDestroy();
    else if (leave === 1) socket.resume().end();
    const ac = new AbortController();
    await Promise.race([
      closed,
      delay(leave === 2 ? this.random(50) : MAX_OPEN_MS, undefined, { signal: ac.signal }).catch(() => undefined),
    ]);
    ac.abort();
    socket.destroy();
    await closed;
    return sent.length;
  }

  private async write(socket: Socket, bytes: Buffer): Promise<void> {
    const cut = this.random(2) === 0 ? bytes.length : this.random(bytes.length + 1);
    socket.write(bytes.subarray(0, cut));
    if (cut === bytes.length) return;
    await delay(this.random(3));
    socket.write(bytes.subarray(cut));
  }

  private mixed(): Buffer[] {
    const frames = Array.from({ length: 1 + this.random(60) }, (_, index) => this.one(1 + 2 * this.random(index + 1)));
    // Reordered: one is sent again at another place.
    const [again] = frames;
    if (again !== undefined && this.random(3) === 0) frames.splice(this.random(frames.length), 0, again);
    return frames;
  }

  /** Mostly a right frame, mutated in a third of the cases. */
  private one(stream: number): Buffer {
    const right = this.right(stream);
    if (this.random(3) > 0) return right;
    if (this.random(4) === 0) return randomBytes(this.random, this.random(60));
    return mutate(this.random, right);
  }

  private right(stream: number): Buffer {
    const { random } = this;
    switch (random(10)) {
      case 0:
      case 1:
        return frame(TYPE.headers, END_HEADERS | random(2), stream, BLOCK);
      case 2:
        return frame(TYPE.headers, 0, stream, BLOCK.subarray(0, random(BLOCK.length)));
      case 3:
        return frame(TYPE.continuation, random(2) * END_HEADERS, stream, BLOCK.subarray(0, random(BLOCK.length)));
      case 4:
        return frame(
          TYPE.data,
          random(2) * END_STREAM,
          stream,
          pick(random, [EMPTY_MESSAGE, Buffer.alloc(random(300))]),
        );
      case 5:
        return frame(TYPE.rst, 0, stream, Buffer.from([0, 0, 0, random(14)]));
      case 6:
        return frame(TYPE.settings, random(2), 0, Buffer.from([0, random(8), ...randomBytes(random, 4)]));
      case 7:
        return frame(TYPE.window, 0, random(2) * stream, randomBytes(random, 4));
      case 8:
        return pick(random, [PING, frame(TYPE.priority, 0, stream, randomBytes(random, 5))]);
      default:
        return frame(random(12), random(256), random(2) * stream, randomBytes(random, random(40)));
    }
  }

  /** Many frames of one kind: what a server has to answer each of, or to keep. */
  private flood(): Buffer[] {
    const kind = this.random(5);
    return Array.from({ length: FLOOD_FRAMES }, (_, index) => {
      const stream = 1 + 2 * Math.floor(index / 2);
      if (kind === 0) return PING;
      if (kind === 1) return SETTINGS;
      if (kind === 2) return frame(TYPE.data, 0, 1, Buffer.alloc(0));
      if (kind === 3)
        return index === 0 ? frame(TYPE.headers, 0, 1, BLOCK) : frame(TYPE.continuation, 0, 1, literal("x", "y"));
      // Rapid reset: a stream is opened and given up at once.
      const reset = frame(TYPE.rst, 0, stream, Buffer.from([0, 0, 0, 8]));
      return index % 2 === 0 ? frame(TYPE.headers, END_HEADERS, stream, BLOCK) : reset;
    });
  }
}
