// The rights that the chart gives to the operator, on an API server without Helm: out of the chart's golden rendering.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { requestApi } from "../../cluster/api-request.ts";
import type { ApiServer } from "../../cluster/api-server.ts";
import { OWN_NAMESPACE } from "./world.ts";

/** How RBAC knows the operator of the rendering. */
export const OPERATOR_USER = `system:serviceaccount:${OWN_NAMESPACE}:beamline-operator`;

const RENDERING = join(import.meta.dirname, "..", "..", "golden", "chart", "default.out.yaml");
const COLLECTIONS: Readonly<Record<string, string>> = {
  ClusterRole: "clusterroles",
  ClusterRoleBinding: "clusterrolebindings",
  Role: `namespaces/${OWN_NAMESPACE}/roles`,
  RoleBinding: `namespaces/${OWN_NAMESPACE}/rolebindings`,
};

interface Rendered {
  readonly kind?: string;
  readonly metadata?: { readonly name: string };
}

/** The namespace must be there. Returns the names of what it made. */
export async function applyChartRights(server: ApiServer): Promise<readonly string[]> {
  const made: string[] = [];
  for (const document of parseAllDocuments(readFileSync(RENDERING, "utf8"))) {
    const body = document.toJS() as Rendered | null;
    const collection = COLLECTIONS[body?.kind ?? ""];
    if (collection === undefined || body?.metadata?.name.endsWith("beamline-operator") !== true) continue;
    const answer = await requestApi(server, "POST", `/apis/rbac.authorization.k8s.io/v1/${collection}`, { body });
    if (answer.status !== 201) throw new Error(`${body.kind} was not made: ${JSON.stringify(answer.body)}`);
    made.push(`${body.kind} ${body.metadata.name}`);
  }
  return made;
}
