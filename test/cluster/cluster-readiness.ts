// When a cluster that was just started can be used, and the one right that it lacks for that.
import { get } from "node:http";
import { eventually } from "../support/await.ts";
import { type ApiEndpoint, expectStatus, requestApi } from "./api-request.ts";
import type { ClusterLayout } from "./cluster-layout.ts";
import { DNS_READY_PORT } from "./node-files.ts";
import { connectInside } from "./relay.ts";

const LOOK_EVERY_MS = 100;
const PROBE_TIMEOUT_MS = 2_000;
const RBAC = "/apis/rbac.authorization.k8s.io/v1";

/** Kubernetes has roles for its own programs; CoreDNS is none of them. */
export async function permitDns(endpoint: ApiEndpoint): Promise<void> {
  const head = { apiVersion: "rbac.authorization.k8s.io/v1", metadata: { name: "system:coredns" } };
  const verbs = ["list", "watch"];
  const rules = [
    { apiGroups: [""], resources: ["services", "pods", "namespaces"], verbs },
    { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs },
  ];
  const role = { ...head, kind: "ClusterRole", rules };
  const apiGroup = "rbac.authorization.k8s.io";
  const subjects = [{ kind: "User", name: "system:coredns", apiGroup }];
  const roleRef = { kind: "ClusterRole", name: "system:coredns", apiGroup };
  const binding = { ...head, kind: "ClusterRoleBinding", subjects, roleRef };
  await expectStatus(endpoint, 201, "POST", `${RBAC}/clusterroles`, { body: role });
  await expectStatus(endpoint, 201, "POST", `${RBAC}/clusterrolebindings`, { body: binding });
}

/** Waits until the node is Ready and not tainted, pods get their ServiceAccount, and DNS answers. */
export async function waitForCluster(endpoint: ApiEndpoint, layout: ClusterLayout, deadlineMs: number): Promise<void> {
  const logs = `(logs in ${layout.logDir})`;
  const wait = (describe: string, condition: () => Promise<boolean>): Promise<true> =>
    eventually(condition, { deadlineMs, everyMs: LOOK_EVERY_MS, describe: `${describe} ${logs}` });
  await Promise.all([
    wait("the node is ready", () => isNodeReady(endpoint, layout.name)),
    wait("the namespace default has its ServiceAccount", () => hasServiceAccount(endpoint)),
    wait("CoreDNS is ready", () => isDnsReady(layout)),
  ]);
}

interface NodeObject {
  readonly spec?: { readonly taints?: readonly unknown[] };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

async function isNodeReady(endpoint: ApiEndpoint, name: string): Promise<boolean> {
  const { status, body } = await requestApi(endpoint, "GET", `/api/v1/nodes/${name}`);
  if (status !== 200) return false;
  const node = body as NodeObject;
  const ready = node.status?.conditions?.some((each) => each.type === "Ready" && each.status === "True") ?? false;
  return ready && (node.spec?.taints ?? []).length === 0;
}

async function hasServiceAccount(endpoint: ApiEndpoint): Promise<boolean> {
  return (await requestApi(endpoint, "GET", "/api/v1/namespaces/default/serviceaccounts/default")).status === 200;
}

function isDnsReady(layout: ClusterLayout): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({
      path: "/ready",
      timeout: PROBE_TIMEOUT_MS,
      createConnection: () => connectInside(layout.relaySocket, "127.0.0.1", DNS_READY_PORT),
    });
    request.once("response", (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once("timeout", () => request.destroy());
    request.once("error", () => resolve(false));
    request.once("close", () => resolve(false));
  });
}
