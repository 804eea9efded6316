// Tables of who may do what on NATS, from the data that accounts and credentials are made from.
import { type RoleName, trustFor } from "../../core/trust/trust.ts";
import { type Cell, code, table } from "./markdown.ts";

const trust = trustFor();

/** What one role may do; all else is refused. */
export function roleTable(name: RoleName): string {
  const role = trust.roles.find((candidate) => candidate.name === name);
  if (role === undefined) throw new Error(`no role ${name}`);
  const rows = (["publish", "subscribe"] as const).flatMap((verb) =>
    role[verb].map(({ subject, purpose }): readonly Cell[] => [verb, code(subject), purpose]),
  );
  return table(["May", "Subject", "For"], rows);
}

/** What leads from one account into another. */
export function crossingTable(): string {
  const rows = trust.accounts.flatMap(({ name, imports }) =>
    imports.map(({ kind, subject, from }): readonly Cell[] => [
      code(subject),
      kind === "service" ? `${name} to ${from}, answers back` : `${from} to ${name}`,
      kind,
    ]),
  );
  return table(["Subject", "Leads from", "Export and import"], rows);
}
