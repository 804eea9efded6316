// What the tests of the cluster share: skipping aloud what this machine cannot run.
import { skipUnless } from "../support/skip.ts";
import { type ApiServer, type StartApiServerOptions, startApiServer } from "./api-server.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { API_SERVER_PROGRAMS } from "./programs.ts";
import { missingForApiServer, missingForNode } from "./requirements.ts";

/** Starts an API server, or skips the test or suite of `context` with what the machine lacks. */
export async function startTestApiServer(
  context: Mocha.Context,
  options: StartApiServerOptions = {},
): Promise<ApiServer> {
  const programs = options.controllers === undefined ? [] : ["kube-controller-manager" as const];
  const missing = await missingForApiServer(process.env, [...API_SERVER_PROGRAMS, ...programs]);
  skipUnless(context, missing.length === 0, missing.join("; "));
  return startApiServer(options);
}

/** Starts a whole cluster, or skips with all that the machine lacks. Its name is this process's, so that runs do not meet. */
export async function startTestCluster(context: Mocha.Context, suffix = "main"): Promise<Cluster> {
  const missing = await missingForNode();
  skipUnless(context, missing.length === 0, missing.join("; "));
  const progress = (line: string): void => void process.stderr.write(`${line}\n`);
  return startCluster({ name: `test-${process.pid}-${suffix}`, progress, lifetime: "parent" });
}
