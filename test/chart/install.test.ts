// The chart on a real API server, with Helm 3 and Helm 4: what an installation makes, what its pods and people may, what stays.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { expectStatus, requestApi } from "../cluster/api-request.ts";
import { API_SERVER_START_TIMEOUT_MS, type ApiServer } from "../cluster/api-server.ts";
import { findClient } from "../cluster/find-program.ts";
import { startTestApiServer } from "../cluster/for-tests.ts";
import { runCommand } from "../cluster/system-command.ts";
import { eventually } from "../support/await.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";
import { CHART_DIR, findHelm, HELM_PROGRAMS, type Helm, type HelmName, templateArguments } from "./helm.ts";
import { type Manifest, parseManifests, podsOf } from "./manifests.ts";

const GOLDEN = join(CHART_DIR, "test", "golden", "chart");
const RELEASE = "beamline";
const NAMESPACE = "beamline-system";
const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const DEADLINE_MS = 30_000;
const RESTRICTED = { "pod-security.kubernetes.io/enforce": "restricted" };
/** Makes view, edit and admin of the roles that are labelled for them, and lets a namespace go. */
const CONTROLLERS = ["clusterrole-aggregation-controller", "namespace-controller"];

interface Question {
  readonly verb: string;
  readonly group?: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

describe("chart, installed", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let server: ApiServer;
  let helm: Helm;
  let temp: TempDir;
  let kubectlPath: string;

  before(async function () {
    server = await startTestApiServer(this, { controllers: CONTROLLERS });
    helm = await findHelm(this, server.kubeconfigPath);
    temp = await makeTempDir();
    kubectlPath = await findClient("kubectl", { progress: console.error });
  });
  after(async () => {
    await temp?.remove();
    await helm?.remove();
    await server?.stop();
  });

  async function makeNamespace(name: string): Promise<void> {
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name, labels: RESTRICTED } };
    await expectStatus(server, 201, "POST", "/api/v1/namespaces", { body });
  }

  async function isAllowed(user: string, question: Question, groups: readonly string[] = []): Promise<boolean> {
    const body = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec: { user, groups, resourceAttributes: question },
    };
    const path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    const answer = await expectStatus(server, 201, "POST", path, { body });
    return (answer.body as { status: { allowed: boolean } }).status.allowed;
  }

  /** The hooks would wait for a Job that nothing runs here. */
  function release(name: HelmName, command: "install" | "upgrade", ...more: readonly string[]): Promise<string> {
    return helm.output(name, command, RELEASE, CHART_DIR, `--namespace=${NAMESPACE}`, "--no-hooks", ...more);
  }

  function kubectl(...kubectlArguments: readonly string[]): Promise<string> {
    return runCommand(kubectlPath, `--kubeconfig=${server.kubeconfigPath}`, ...kubectlArguments);
  }

  describe("under the restricted Pod Security Standard", () => {
    const namespace = "restricted";

    before(() => makeNamespace(namespace));

    async function create(pod: Manifest): Promise<{ readonly status: number; readonly text: string }> {
      const body = { ...pod, metadata: { ...pod.metadata, namespace } };
      const { serviceAccountName = "default" } = pod.spec as { readonly serviceAccountName?: string };
      await requestApi(server, "POST", `/api/v1/namespaces/${namespace}/serviceaccounts`, {
        body: { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: serviceAccountName } },
      });
      const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All&fieldValidation=Strict`;
      const { status, body: answer } = await requestApi(server, "POST", path, { body });
      return { status, text: JSON.stringify(answer) };
    }

    it("takes every pod of every rendering", async () => {
      for (const file of readdirSync(GOLDEN).filter((name) => name.endsWith(".out.yaml"))) {
        const pods = podsOf(parseManifests(readFileSync(join(GOLDEN, file), "utf8")));
        assert.ok(pods.length >= 2, `${file} has ${pods.length} pods`);
        for (const { name, pod } of pods) {
          const { priorityClassName: _notHere, ...spec } = pod.spec as { priorityClassName?: string };
          const { status, text } = await create({ ...pod, spec });
          assert.equal(status, 201, `${file}: ${name}: ${text}`);
        }
      }
    });

    it("would refuse them without their security settings", async () => {
      const [first] = podsOf(parseManifests(readFileSync(join(GOLDEN, "default.out.yaml"), "utf8")));
      assert.ok(first !== undefined);
      const { securityContext: _dropped, ...spec } = first.pod.spec as { securityContext: unknown };
      const { status, text } = await create({ ...first.pod, spec });
      assert.equal(status, 403);
      assert.match(text, /violates PodSecurity/);
    });
  });

  for (const name of HELM_PROGRAMS) {
    describe(`by ${name}`, () => {
      before(async () => {
        await makeNamespace(NAMESPACE);
        await release(name, "install");
      });

      it("makes every object that it renders", async () => {
        const manifest = join(temp.path, `${name}.yaml`);
        const text = await helm.output(name, "get", "manifest", RELEASE, `--namespace=${NAMESPACE}`);
        writeFileSync(manifest, text);
        const made = (await kubectl("get", "--filename", manifest, "--output=name")).trim().split("\n");
        assert.equal(made.length, parseManifests(text).length);
        assert.ok(made.includes("router.beamline.dev/default"), made.join(", "));
      });

      it("lets the operator do its work, and nothing with other Secrets or CRDs", async () => {
        const operator = `system:serviceaccount:${NAMESPACE}:${RELEASE}-operator`;
        const beamline = { group: "beamline.dev" };
        const crd = { group: "apiextensions.k8s.io", resource: "customresourcedefinitions" };
        const yes: readonly Question[] = [
          { ...beamline, verb: "watch", resource: "routingpolicies" },
          { ...beamline, verb: "patch", resource: "tenants", subresource: "status" },
          { ...beamline, verb: "create", resource: "routers", namespace: NAMESPACE },
          { verb: "create", group: "apps", resource: "deployments", namespace: "default" },
          { verb: "get", resource: "secrets", namespace: NAMESPACE, name: `${RELEASE}-nats-router` },
          { verb: "patch", ...crd, name: "routers.beamline.dev" },
          { verb: "create", group: "coordination.k8s.io", resource: "leases", namespace: NAMESPACE },
        ];
        const no: readonly Question[] = [
          { verb: "list", resource: "secrets" },
          { verb: "list", resource: "secrets", namespace: NAMESPACE },
          { verb: "watch", resource: "secrets", namespace: NAMESPACE },
          { verb: "get", resource: "secrets", namespace: NAMESPACE, name: `${RELEASE}-nats-keys` },
          { verb: "get", resource: "secrets", namespace: "default", name: `${RELEASE}-nats-router` },
          { verb: "patch", ...crd, name: "others.example.com" },
          { verb: "list", ...crd },
          { verb: "delete", ...crd, name: "routers.beamline.dev" },
          { ...beamline, verb: "create", resource: "routers", namespace: "default" },
          { ...beamline, verb: "patch", resource: "routingpolicies", namespace: "default" },
          { verb: "get", group: "coordination.k8s.io", resource: "leases", namespace: "kube-system", name: "x" },
          { verb: "create", resource: "pods", namespace: NAMESPACE },
          { verb: "create", resource: "pods", subresource: "exec", namespace: NAMESPACE },
        ];
        for (const question of yes)
          assert.ok(await isAllowed(operator, question), `may not ${describeQuestion(question)}`);
        for (const question of no)
          assert.ok(!(await isAllowed(operator, question)), `may ${describeQuestion(question)}`);
      });

      it("lets an editor of a namespace write policies there, a viewer read them, and neither write tenants", async () => {
        for (const role of ["view", "edit"]) {
          const binding = {
            apiVersion: "rbac.authorization.k8s.io/v1",
            kind: "RoleBinding",
            metadata: { name: role },
            roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
            subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: role }],
          };
          const path = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings";
          await requestApi(server, "POST", path, { body: binding });
        }
        const policy = { group: "beamline.dev", resource: "routingpolicies", namespace: "default" };
        await eventually(() => isAllowed("edit", { ...policy, verb: "create" }), {
          deadlineMs: DEADLINE_MS,
          describe: "the role edit has what is labelled for it",
        });
        await eventually(() => isAllowed("view", { ...policy, verb: "get" }), {
          deadlineMs: DEADLINE_MS,
          describe: "the role view has what is labelled for it",
        });
        assert.equal(await isAllowed("view", { ...policy, verb: "create" }), false);
        assert.equal(await isAllowed("edit", { ...policy, verb: "create", namespace: "kube-system" }), false);
        assert.equal(await isAllowed("edit", { ...policy, verb: "create", resource: "tenants" }), false);
      });

      it("is upgraded without a touch on CRDs and on what is scaled by hand", async () => {
        const versionOf = async (): Promise<unknown> => {
          const { body } = await expectStatus(server, 200, "GET", `${CRDS}/routers.beamline.dev`);
          return (body as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
        };
        const before = await versionOf();
        await kubectl("scale", "router", "default", `--namespace=${NAMESPACE}`, "--replicas=7");
        await release(name, "upgrade", "--set=operator.replicas=3,operator.logLevel=debug");
        assert.equal(await versionOf(), before);
        const replicas = (kind: string, object: string): Promise<string> =>
          kubectl("get", kind, object, `--namespace=${NAMESPACE}`, "--output=jsonpath={.spec.replicas}");
        assert.equal(await replicas("deployment", `${RELEASE}-operator`), "3");
        assert.equal(await replicas("router", "default"), "7");
      });

      it("refuses an upgrade that would hide what NATS has stored", async () => {
        for (const [setting, message] of [
          ["nats.replicas=3", /nats\.replicas is 3 and was 1: the streams would no longer be seen/],
          ["nats.secure=false", /nats\.secure is false and was true: the streams are in another account/],
        ] as const) {
          const words = ["upgrade", RELEASE, CHART_DIR, `--namespace=${NAMESPACE}`, "--no-hooks", `--set=${setting}`];
          const { code, stderr } = await helm.run(name, ...words);
          assert.notEqual(code, 0, setting);
          assert.match(stderr, message);
        }
      });

      it("leaves CRDs and the objects of others when it is uninstalled", async () => {
        const provider = { apiVersion: "beamline.dev/v1alpha1", kind: "Provider", metadata: { name }, spec: {} };
        const providers = "/apis/beamline.dev/v1alpha1/namespaces/default/providers";
        await expectStatus(server, 201, "POST", providers, { body: provider });
        await helm.output(name, "uninstall", RELEASE, `--namespace=${NAMESPACE}`, "--no-hooks");
        await expectStatus(server, 200, "GET", `${CRDS}/routers.beamline.dev`);
        await expectStatus(server, 200, "GET", `${providers}/${name}`);
        const left = await kubectl(
          "get",
          "all,routers,roles,networkpolicies",
          `--namespace=${NAMESPACE}`,
          "--output=name",
        );
        assert.equal(left, "");
        await kubectl("delete", "namespace", NAMESPACE, `--timeout=${DEADLINE_MS}ms`);
      });
    });
  }

  describe("for some namespaces", () => {
    it("gives an operator of some namespaces nothing elsewhere", async () => {
      for (const namespace of ["team-a", "team-b", NAMESPACE]) await makeNamespace(namespace);
      const file = join(GOLDEN, "watched-namespaces.in.yaml");
      const rendered = await helm.output("helm", ...templateArguments(RELEASE, `--values=${file}`, "--no-hooks"));
      const manifest = join(temp.path, "watched.yaml");
      writeFileSync(manifest, rendered);
      await kubectl("apply", "--filename", manifest);
      const operator = `system:serviceaccount:${NAMESPACE}:${RELEASE}-operator`;
      const question = { verb: "list", group: "beamline.dev", resource: "routingpolicies" };
      for (const namespace of ["team-a", "team-b", NAMESPACE])
        assert.ok(await isAllowed(operator, { ...question, namespace }), namespace);
      assert.equal(await isAllowed(operator, question), false);
      assert.equal(await isAllowed(operator, { ...question, namespace: "default" }), false);
      assert.ok(await isAllowed(operator, { ...question, resource: "tenants" }));
    });
  });
});

function describeQuestion({ verb, resource, subresource, namespace, name }: Question): string {
  return [verb, [resource, subresource].filter(Boolean).join("/"), name, namespace && `in ${namespace}`]
    .filter(Boolean)
    .join(" ");
}
