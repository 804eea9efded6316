// The table of what callers of the control plane need for each of its methods.
import { type MethodRight, RIGHTS } from "../../controlplane/access/rights.ts";
import { SERVED } from "../../controlplane/served.ts";
import { code, codes, table } from "./markdown.ts";

/** One row for the methods of a service that take the same; those of services that are not served are left out. */
export function methodRightsTable(): string {
  const rows = SERVED.flatMap(({ name }) => {
    const methods = Object.entries(RIGHTS[name] ?? {});
    const distinct = [...new Set(methods.map(([, right]) => right))];
    return distinct.map((right) => {
      const names = methods.filter(([, other]) => other === right).map(([method]) => method);
      return [code(name), codes(names), ...(right === "open" ? ["everybody", "", ""] : columnsFor(right))];
    });
  });
  return table(["Service", "Methods", "Roles", "RBAC", "For what others registered"], rows);
}

function columnsFor(right: MethodRight): string[] {
  const { ofOthers } = right;
  return [
    rolesFor(right),
    rulesFor(right),
    ofOthers === undefined ? "" : `${rolesFor(ofOthers)}; ${rulesFor(ofOthers)}`,
  ];
}

const ORDER = ["viewer", "operator", "admin"] as const;

function rolesFor({ least, component }: MethodRight): string {
  return codes([...ORDER.slice(ORDER.indexOf(least)), ...(component ? ["component"] : [])]);
}

function rulesFor({ verbs, group, resource }: MethodRight): string {
  const [name, ...subresource] = resource.split("/");
  return `${codes(verbs)} ${code([`${name}.${group}`, ...subresource].join("/"))}`;
}
