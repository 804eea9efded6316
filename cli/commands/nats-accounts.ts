// `beamline nats-accounts`: the keys, accounts and credentials with which NATS keeps producers and workers out of internal state.
import { resolve } from "node:path";
import { prefixProblem } from "../../core/handover/subjects.ts";
import { ROLES, type RoleName, trustFor } from "../../core/trust/trust.ts";
import { BeamlineError } from "../../runtime/errors.ts";
import { PRODUCT_VERSION } from "../../runtime/product-version.ts";
import { AccountFolder } from "../accounts/account-folder.ts";
import { isRoleName } from "../accounts/key-ring.ts";
import { type AccountStore, type PreparedPart, prepareAccounts } from "../accounts/prepare-accounts.ts";
import type { Command, Invocation } from "../command.ts";
import { flagOption, listOption, requiredOption, subjectsOption, textOption } from "../option-values.ts";
import type { Terminal } from "../terminal.ts";

export const natsAccountsCommand: Command = {
  name: "nats-accounts",
  summary: "Make NATS accounts and credentials for operator, routers, control planes, producers and workers",
  usage: "--dir DIR | --kubernetes --namespace NAMESPACE --prefix PREFIX [--rotate ROLE]",
  options: {
    dir: { type: "string", valueName: "DIR", description: "folder for keys.json, accounts.conf and <role>.creds" },
    kubernetes: { type: "boolean", description: "keep them as Secrets and a ConfigMap instead" },
    namespace: { type: "string", valueName: "NAME", description: "namespace of those" },
    prefix: { type: "string", valueName: "NAME", description: "what their names begin with" },
    rotate: { type: "string", valueName: "ROLE", description: "give a role another key, and revoke the one before" },
    "subjects-prefix": {
      type: "string",
      multiple: true,
      valueName: "PREFIX",
      description: "also for a Router with this subjects.prefix",
    },
    "fixed-subject": {
      type: "string",
      multiple: true,
      valueName: "SUBJECT",
      description: "also for a legacy provider with this fixed subject; below beamline.ext., for a step",
    },
  },
  examples: [
    "npx beamline nats-accounts --dir accounts",
    "npx beamline nats-accounts --dir accounts --rotate router",
    "npx beamline nats-accounts --kubernetes --namespace beamline-system --prefix beamline-nats",
  ],
  run: async (invocation) => {
    const { terminal, values } = invocation;
    const rotate = rotatedRole(textOption(values, "rotate"));
    const prefixes = listOption(values, "subjects-prefix");
    for (const prefix of prefixes) requirePrefix(prefix);
    const trust = trustFor({
      prefixes: [undefined, ...prefixes],
      fixedSubjects: subjectsOption(values, "fixed-subject"),
    });
    const store = await chooseStore(invocation);
    const written = await prepareAccounts(store, {
      trust,
      nowMs: Date.now,
      ...(rotate === undefined ? {} : { rotate }),
    });
    report(terminal, written);
    return 0;
  },
};

async function chooseStore(invocation: Invocation): Promise<AccountStore> {
  const { values, cwd, env } = invocation;
  const dir = textOption(values, "dir");
  const kubernetes = flagOption(values, "kubernetes");
  if (kubernetes === (dir !== undefined)) {
    throw new BeamlineError("USAGE_INVALID", "one of --dir and --kubernetes is needed, and not both", {
      hint: "See: npx beamline help nats-accounts",
    });
  }
  if (dir !== undefined) return new AccountFolder(resolve(cwd, dir));
  const namespace = requiredOption(values, "namespace", "beamline-system");
  const prefix = requiredOption(values, "prefix", "beamline-nats");
  // Loaded only here: the other commands know nothing of Kubernetes.
  const { findClusterAccess } = await import("../../kubernetes/access/find-access.ts");
  const { KubernetesClient } = await import("../../kubernetes/client.ts");
  const { AccountSecrets } = await import("../accounts/account-secrets.ts");
  const access = await findClusterAccess({ env });
  const client = KubernetesClient.create({ access, userAgent: `beamline-nats-accounts/${PRODUCT_VERSION}` });
  return new AccountSecrets({ client, namespace, prefix });
}

function rotatedRole(text: string | undefined): RoleName | undefined {
  if (text === undefined || isRoleName(text)) return text;
  throw new BeamlineError("USAGE_INVALID", `--rotate is "${text}": it must be one of ${ROLES.join(", ")}`);
}

function requirePrefix(prefix: string): void {
  const problem = prefixProblem(prefix);
  if (problem !== undefined)
    throw new BeamlineError("USAGE_INVALID", `--subjects-prefix is "${prefix}": it ${problem}`);
}

function report(terminal: Terminal, written: readonly PreparedPart[]): void {
  if (terminal.format === "json") {
    terminal.printJson({ written });
    return;
  }
  if (written.length === 0) {
    terminal.print("Everything is there already.");
    return;
  }
  terminal.printTable({
    columns: ["part", "action", "place"],
    rows: written.map(({ part, action, place }) => [part, action, place]),
  });
  if (written.some(({ part, action }) => part === "accounts" && action === "updated"))
    terminal.note("Reload nats-server (SIGHUP, or a restart) for the accounts to take effect.");
}
