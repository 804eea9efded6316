// A processor as a process of its own, to be killed: registers by the client library and beats until it ends.
import { connectControlPlane } from "../../controlplane/client/connect.ts";

const [address = "", id = "", provider = "", ttl = ""] = process.argv.slice(2);

connectControlPlane({ addresses: [address] }).registerProcessor({
  id,
  endpoint: "127.0.0.1:9",
  metadata: { provider },
  ttlMs: Number(ttl),
});
// It ends with the test, however the test ends.
process.stdin.resume().once("end", () => process.exit());
