// Helm 3 and Helm 4 for the tests of the chart, with folders of their own and no cluster but the one that is named.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { findPrograms } from "../cluster/find-program.ts";
import { missingForApiServer } from "../cluster/requirements.ts";
import { skipUnless } from "../support/skip.ts";
import { makeTempDir } from "../support/temp.ts";

export const CHART_DIR = join(import.meta.dirname, "..", "..");
/** In the order in which tests run them; their outputs are the same but for blank lines. */
export const HELM_PROGRAMS = ["helm", "helm4"] as const;
export type HelmName = (typeof HELM_PROGRAMS)[number];
/** Helm that was built without release flags takes Kubernetes for older than the chart wants. */
const KUBE_VERSION = "1.35.0";
/** A first build of both, on a machine slower than ours; for the `timeout` of suites. */
export const HELM_BUILD_TIMEOUT_MS = 600_000;
const COMMAND_TIMEOUT_MS = 120_000;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

export interface HelmOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Helm {
  /** Runs a command to its end, whatever that is. */
  run(name: HelmName, ...helmArguments: readonly string[]): Promise<HelmOutcome>;
  /** Its output; fails with what it said when it fails. */
  output(name: HelmName, ...helmArguments: readonly string[]): Promise<string>;
  remove(): Promise<void>;
}

/** Both programs, built when they are not in the cache; skips the test or suite of `context` when that cannot be done. */
export async function findHelm(context: Mocha.Context, kubeconfigPath?: string): Promise<Helm> {
  const missing = await missingForApiServer(process.env, HELM_PROGRAMS);
  skipUnless(context, missing.length === 0, missing.join("; "));
  const programs = await findPrograms(HELM_PROGRAMS, { progress: (line) => process.stderr.write(`${line}\n`) });
  const home = await makeTempDir("beamline-helm-");
  const env = {
    PATH: process.env.PATH,
    HOME: home.path,
    KUBECONFIG: kubeconfigPath ?? join(home.path, "no-cluster"),
  };
  const run = (name: HelmName, ...helmArguments: readonly string[]): Promise<HelmOutcome> =>
    new Promise((resolve) => {
      const limits = { env, timeout: COMMAND_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES };
      execFile(programs[name], [...helmArguments], limits, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
      );
    });
  const output = async (name: HelmName, ...helmArguments: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await run(name, ...helmArguments);
    if (code === 0) return stdout;
    throw new Error(`${name} ${helmArguments.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
  };
  return { run, output, remove: () => home.remove() };
}

/** Arguments that render the chart as an installation would be, without asking a cluster. */
export function templateArguments(release: string, ...more: readonly string[]): readonly string[] {
  return ["template", release, CHART_DIR, "--namespace=beamline-system", `--kube-version=${KUBE_VERSION}`, ...more];
}
