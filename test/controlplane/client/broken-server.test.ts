// The client library against a server that ends connections in every way it can: its process must get failed calls, not errors
// that nobody catches, which would end a component.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { after, before, describe, it } from "mocha";
import { CallProblem } from "../../../controlplane/client/call-problem.ts";
import { Channel } from "../../../controlplane/client/connection.ts";
import { RegistryService } from "../../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ControlPlaneService } from "../../../proto/gen/grpc/controlplane/controlplane.ts";

const RST_STREAM = 3;
const SETTINGS = 4;
const GOAWAY = 7;
const [NO_ERROR, INTERNAL_ERROR, CANCEL] = [0, 2, 8];
const HEADER_BYTES = 9;
const CALL_TIMEOUT_MS = 1_000;
const registration = { processorId: "p", endpoint: "127.0.0.1:9000", metadata: {} };

function frame(type: number, stream: number, ...words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + 4 * words.length);
  bytes.writeUIntBE(4 * words.length, 0, 3);
  bytes.writeUInt8(type, 3);
  bytes.writeUInt32BE(stream, 5);
  for (const [i, word] of words.entries()) bytes.writeUInt32BE(word, HEADER_BYTES + 4 * i);
  return bytes;
}
const settings = frame(SETTINGS, 0);
const goAway = (code: number, lastStream = 0x7fffffff) => frame(GOAWAY, 0, lastStream, code);
const reset = (code: number) => frame(RST_STREAM, 1, code);

/** `socket` has sent its first calls when this runs. */
const ENDINGS: Readonly<Record<string, (socket: Socket) => void>> = {
  "GOAWAY CANCEL": (socket) => socket.end(goAway(CANCEL)),
  "GOAWAY CANCEL, and the connection stays": (socket) => socket.write(goAway(CANCEL)),
  "GOAWAY, then GOAWAY CANCEL, as a drain of grpc-js ends": (socket) => {
    socket.write(goAway(NO_ERROR));
    setImmediate(() => socket.end(goAway(CANCEL)));
  },
  "GOAWAY CANCEL twice": (socket) => socket.end(Buffer.concat([goAway(CANCEL), goAway(CANCEL)])),
  "GOAWAY INTERNAL_ERROR for no stream": (socket) => socket.end(goAway(INTERNAL_ERROR, 0)),
  "RST_STREAM and GOAWAY": (socket) => socket.end(Buffer.concat([reset(CANCEL), goAway(CANCEL)])),
  "GOAWAY CANCEL and a reset": (socket) => {
    socket.write(goAway(CANCEL));
    setImmediate(() => socket.resetAndDestroy());
  },
  "a reset": (socket) => socket.resetAndDestroy(),
  "bytes that are no frame": (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
};

describe("client library: a server that breaks off", function () {
  this.timeout(60_000);
  let server: Server;
  let address: string;
  let sends: (socket: Socket) => void = () => undefined;

  before(async () => {
    server = createServer((socket) => {
      // Resets are what this is about.
      socket.on("error", () => undefined);
      sends(socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  /** A unary call and an open stream on one connection; resolves when both have failed. */
  const callAndStream = async (): Promise<void> => {
    const channel = new Channel(address, { addresses: [address] });
    try {
      const stream = channel.bidiStream(RegistryService.heartbeats);
      const failed = once(stream, "error");
      stream.write({ heartbeats: [] });
      stream.resume();
      await assert.rejects(
        channel.unary(ControlPlaneService.registerProcessor, registration, CALL_TIMEOUT_MS),
        CallProblem,
      );
      // A stream that nothing has ended yet is ended by its user.
      stream.cancel();
      await failed;
    } finally {
      channel.close();
    }
  };

  for (const [name, end] of Object.entries(ENDINGS)) {
    it(`fails its calls at ${name}, in a session and before there is one`, async () => {
      let met = 0;
      sends = (socket) => {
        met++;
        socket.write(settings);
        socket.once("data", () => end(socket));
      };
      await callAndStream();
      sends = (socket) => {
        met++;
        end(socket);
      };
      await callAndStream();
      assert.ok(met >= 2, `${met} connections`);
    });
  }
});
