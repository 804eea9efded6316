// The image of examples/Dockerfile, made without Docker.
import { join } from "node:path";
import { PRODUCT_VERSION } from "../../runtime/product-version.ts";
import { programWithLibraries, writeImage } from "./image.ts";
import { APP_DIR, NODE_PATH } from "./product-image.ts";

const root = join(import.meta.dirname, "..", "..");
/** What the programs import besides their own files: the clients of NATS and gRPC with their parts, and what generated messages need. */
const CONTENT = [
  "package.json",
  "examples/control-plane.ts",
  "examples/nats-connection.ts",
  "examples/worker",
  "examples/producer",
  "examples/pipeline",
  "controlplane/client",
  "proto/package.json",
  "proto/gen",
  "node_modules/@grpc/grpc-js",
  "node_modules/@js-sdsl/ordered-map",
  "node_modules/nats",
  "node_modules/nkeys.js",
  "node_modules/tweetnacl",
  "node_modules/@bufbuild/protobuf",
] as const;

/** As examples/cluster names it. */
export const EXAMPLES_REFERENCE = `beamline/examples:${PRODUCT_VERSION}`;

export async function writeExamplesImage(tarPath: string, reference = EXAMPLES_REFERENCE): Promise<void> {
  const content = CONTENT.map((path) => [join(APP_DIR, path), join(root, path)] as const);
  await writeImage(tarPath, {
    reference,
    files: { ...(await programWithLibraries(process.execPath, NODE_PATH)), ...Object.fromEntries(content) },
    entrypoint: [NODE_PATH],
    workingDir: APP_DIR,
  });
}
