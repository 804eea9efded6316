// `beamline api-key create | list | revoke`: who may call a control plane by key. A key is printed once and kept nowhere.
import {
  API_KEY_ROLES,
  type ApiKeyRole,
  apiKeyNameProblem,
  isApiKeyRole,
  MAX_API_KEYS,
} from "../../core/trust/api-keys.ts";
import { BeamlineError } from "../../runtime/errors.ts";
import { API_KEY_FILE_OPTION, apiKeyFileOf, apiKeyFlag, changeApiKeys, readApiKeys } from "../api-key-file.ts";
import { apiKeyDigest, newApiKey } from "../api-key-text.ts";
import type { Command, OptionValues } from "../command.ts";
import { requiredOption } from "../option-values.ts";

const NAME_OPTION = {
  type: "string",
  valueName: "NAME",
  description: "what the key is called in the audit record",
} as const;

export const apiKeyCreateCommand: Command = {
  name: "api-key create",
  summary: "Make an API key of the control plane, and print it once",
  usage: "--name NAME --role ROLE [--file FILE]",
  options: {
    name: NAME_OPTION,
    role: { type: "string", valueName: "ROLE", description: API_KEY_ROLES.join(", ") },
    ...API_KEY_FILE_OPTION,
  },
  examples: ["npx beamline api-key create --name ci --role operator --file api-keys"],
  run: async (invocation) => {
    const { terminal, values } = invocation;
    const name = nameOf(values);
    const role = roleOf(values);
    const file = apiKeyFileOf(invocation);
    const key = newApiKey();
    const digest = apiKeyDigest(key);
    await changeApiKeys(file, (keys) => {
      if (keys.some((other) => other.name === name))
        throw new BeamlineError("INPUT_INVALID", `${file} has a key "${name}" already`, {
          hint: `Choose another name, or revoke that one: npx beamline api-key revoke --name ${name}${apiKeyFlag(values)}`,
        });
      if (keys.length >= MAX_API_KEYS)
        throw new BeamlineError("INPUT_INVALID", `${file} has ${MAX_API_KEYS} keys, as many as it may`);
      return [...keys, { name, role, digest }];
    });
    if (terminal.format === "json") terminal.printJson({ name, role, key, file });
    else terminal.print(key);
    terminal.note(
      `Keep it: it is not shown again. ${file} holds its digest; a control plane that reads this file knows it within 5 s.`,
    );
    return 0;
  },
};

export const apiKeyListCommand: Command = {
  name: "api-key list",
  summary: "List the API keys of a file: names and roles",
  usage: "[--file FILE]",
  options: API_KEY_FILE_OPTION,
  examples: ["npx beamline api-key list --file api-keys"],
  run: async (invocation) => {
    const { terminal } = invocation;
    const file = apiKeyFileOf(invocation);
    const keys = (await readApiKeys(file)).map(({ name, role }) => ({ name, role }));
    if (terminal.format === "json") terminal.printJson({ keys });
    else if (keys.length === 0) terminal.note(`no API keys in ${file}`);
    else terminal.printTable({ columns: ["name", "role"], rows: keys.map(({ name, role }) => [name, role]) });
    return 0;
  },
};

export const apiKeyRevokeCommand: Command = {
  name: "api-key revoke",
  summary: "Revoke an API key of the control plane",
  usage: "--name NAME [--file FILE]",
  options: { name: NAME_OPTION, ...API_KEY_FILE_OPTION },
  examples: ["npx beamline api-key revoke --name ci --file api-keys"],
  run: async (invocation) => {
    const { terminal, values } = invocation;
    const name = nameOf(values);
    const file = apiKeyFileOf(invocation);
    await changeApiKeys(file, (keys) => {
      if (!keys.some((key) => key.name === name))
        throw new BeamlineError("INPUT_INVALID", `${file} has no key "${name}"`, {
          hint: `See: npx beamline api-key list${apiKeyFlag(values)}`,
        });
      return keys.filter((key) => key.name !== name);
    });
    if (terminal.format === "json") terminal.printJson({ revoked: name, file });
    else terminal.print(`revoked ${name}: a control plane that reads ${file} refuses it within 5 s`);
    return 0;
  },
};

function nameOf(values: OptionValues): string {
  const name = requiredOption(values, "name", "ci");
  const problem = apiKeyNameProblem(name);
  if (problem === undefined) return name;
  throw new BeamlineError("USAGE_INVALID", `--name is "${name}": it ${problem}`);
}

function roleOf(values: OptionValues): ApiKeyRole {
  const role = requiredOption(values, "role", "operator");
  if (isApiKeyRole(role)) return role;
  throw new BeamlineError("USAGE_INVALID", `--role is "${role}": it must be one of ${API_KEY_ROLES.join(", ")}`);
}
