// The chart as Helm 3 and Helm 4 render it: golden files, typing errors by their path, permissions, what is packaged.
// `UPDATE_GOLDEN=1 npm run test:cluster -- chart/render` rewrites test/golden/chart; review the difference.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { parse } from "yaml";
import { controlPlaneConfig } from "../../controlplane/config.ts";
import { ROUTER_ENVIRONMENT } from "../../operator/config.ts";
import { kubernetesConfig } from "../../operator/kubernetes/config.ts";
import { formatConfigProblems, parseConfig } from "../../runtime/config.ts";
import { runCommand } from "../cluster/system-command.ts";
import { makeTempDir } from "../support/temp.ts";
import { CHART_DIR, findHelm, HELM_BUILD_TIMEOUT_MS, HELM_PROGRAMS, type Helm, templateArguments } from "./helm.ts";
import { parseManifests, podsOf, type Rule } from "./manifests.ts";

const GOLDEN = join(CHART_DIR, "test", "golden", "chart");
const INPUT = ".in.yaml";
/** What Node's os.tmpdir() is in the image. */
const TEMPORARY = "/tmp";
const MAX_PACKAGE_BYTES = 128 * 1024;

const cases = readdirSync(GOLDEN)
  .filter((file) => file.endsWith(INPUT))
  .map((file) => file.slice(0, -INPUT.length))
  .sort();

/** Helm 3 and Helm 4 differ in blank lines only. */
function withoutBlankLines(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return `${lines.join("\n")}\n`;
}

/** One mistake a row, and what both Helms must say of it. */
const MISTAKES: readonly (readonly [setting: string, message: RegExp])[] = [
  ["operater.replicas=3", /at '': additional properties 'operater' not allowed/],
  ["operator.replcas=3", /at '\/operator': additional properties 'replcas' not allowed/],
  ["operator.replicas=many", /at '\/operator\/replicas': got string, want integer/],
  ["operator.watch.namespace=a", /at '\/operator\/watch': additional properties 'namespace' not allowed/],
  ["nats.storage.enable=false", /at '\/nats\/storage': additional properties 'enable' not allowed/],
  ["nats.replicas=2", /at '\/nats\/replicas': value must be one of 1, 3/],
  ["nats.lameDuckDuration=5s", /at '\/nats\/lameDuckDuration': '5s' does not match pattern/],
  ["router.spec.replcas=1", /at '\/router\/spec': additional properties 'replcas' not allowed/],
  ["image.pullPolicy=Sometimes", /at '\/image\/pullPolicy': value must be one of/],
  // A subchart that is off is held to the schema, too.
  ["nats.enabled=false,nats.url=nats://a:4222,nats.tls.enable=true", /at '\/nats\/tls': .*'enable' not allowed/],
  ["nats.enabled=false", /nats\.url is required when nats\.enabled=false/],
  ["nats.url=nats://a:4222", /nats\.url is for an existing NATS: set nats\.enabled=false too/],
  ["nats.credentials.router=mine", /nats\.credentials is for an existing NATS/],
  ["controlPlane.auth=basic", /at '\/controlPlane\/auth': value must be one of/],
  ["controlPlane.auth=api-key", /controlPlane\.apiKeysSecret is required when controlPlane\.auth is api-key/],
  [
    "controlPlane.tls.verifyClients=true",
    /controlPlane\.tls\.secret is required when controlPlane\.tls\.verifyClients/,
  ],
  ["nats.tls.enabled=true", /nats\.tls\.clientSecret is required when nats\.tls\.enabled/],
  ["nats.tls.enabled=true,nats.tls.clientSecret=c", /nats\.tls\.serverSecret is required when nats\.tls\.enabled/],
  [
    "operator.watch.namespaces={a},operator.watch.namespaceSelector=b",
    /operator\.watch has namespaces and .* choose one/,
  ],
];

describe("chart, rendered", function () {
  this.timeout(HELM_BUILD_TIMEOUT_MS);
  let helm: Helm;

  before(async function () {
    helm = await findHelm(this);
  });
  after(() => helm?.remove());

  function render(values: string, name: (typeof HELM_PROGRAMS)[number] = "helm"): Promise<string> {
    return helm.output(name, ...templateArguments("beamline", `--values=${join(GOLDEN, values + INPUT)}`));
  }

  for (const name of HELM_PROGRAMS) {
    it(`is taken by ${name} lint --strict`, async () => {
      assert.match(await helm.output(name, "lint", "--strict", CHART_DIR), /1 chart\(s\) linted, 0 chart\(s\) failed/);
    });

    for (const values of cases) {
      it(`renders ${values} with ${name}`, async () => {
        const text = withoutBlankLines(await render(values, name));
        const file = join(GOLDEN, `${values}.out.yaml`);
        if (process.env.UPDATE_GOLDEN === "1" && name === "helm") writeFileSync(file, text);
        assert.equal(text, readFileSync(file, "utf8"));
      });
    }

    it(`names the path of every mistake with ${name}`, async () => {
      for (const [setting, message] of MISTAKES) {
        const { code, stderr } = await helm.run(name, ...templateArguments("beamline", "--set", setting));
        assert.notEqual(code, 0, setting);
        assert.match(stderr, message, setting);
      }
    });

    it(`takes a release called y with ${name}`, async () => {
      const manifests = parseManifests(await helm.output(name, ...templateArguments("y")));
      const labels = manifests.map(({ metadata }) => metadata.labels?.["app.kubernetes.io/instance"]);
      assert.deepEqual(new Set(labels), new Set(["y"]));
    });

    it(`packages nothing but the chart with ${name}`, async () => {
      await using temp = await makeTempDir();
      await helm.output(name, "package", CHART_DIR, "--destination", temp.path);
      const [archive = ""] = readdirSync(temp.path);
      const packed = join(temp.path, archive);
      const files = (await runCommand("tar", "-tzf", packed)).trim().split("\n");
      const strangers = files.filter(
        (file) =>
          !/^beamline\/(?:Chart\.yaml|values\.yaml|values\.schema\.json|\.helmignore|README\.md|LICENSE)$/.test(file) &&
          !/^beamline\/(?:crds\/[a-z]+\.beamline\.dev\.yaml|templates\/.*|charts\/(?:operator|controlplane|nats)\/.*)$/.test(
            file,
          ),
      );
      assert.deepEqual(strangers, []);
      const expected = ["crds/routers.beamline.dev.yaml", "templates/NOTES.txt", "charts/operator/templates/_rbac.tpl"];
      for (const file of expected) assert.ok(files.includes(`beamline/${file}`), file);
      const { size } = statSync(packed);
      assert.ok(size <= MAX_PACKAGE_BYTES, `${size} bytes`);
    });
  }

  const processes = [
    { deployment: "beamline-operator", config: kubernetesConfig, besides: ROUTER_ENVIRONMENT },
    { deployment: "beamline-control-plane", config: controlPlaneConfig, besides: [] },
  ] as const;
  for (const { deployment, config, besides } of processes) {
    it(`tells ${deployment} nothing that it does not know`, async () => {
      for (const values of cases) {
        const pods = podsOf(parseManifests(await render(values)));
        const found = pods.find(({ name }) => name === `Deployment/${deployment}`);
        if (found === undefined) continue;
        const { containers } = found.pod.spec as { containers: { env: { name: string; value?: string }[] }[] };
        const environment = Object.fromEntries(containers[0]?.env.map(({ name, value }) => [name, value ?? "x"]) ?? []);
        assert.ok(Object.keys(environment).length > 5, values);
        const parsed = parseConfig(config, environment, besides);
        assert.equal(parsed.ok ? "" : formatConfigProblems(parsed.error), "", values);
      }
    });
  }

  it("gives the operator, whose root cannot be written to, a place for the credentials of Routers elsewhere", async () => {
    for (const values of cases) {
      const operator = podsOf(parseManifests(await render(values))).find(({ name }) => name.endsWith("-operator"));
      if (operator === undefined) continue;
      const { containers, volumes } = operator.pod.spec as {
        containers: { volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[] }[];
        volumes: { name: string; emptyDir?: { medium?: string } }[];
      };
      const mount = containers[0]?.volumeMounts.find(({ mountPath }) => mountPath === TEMPORARY);
      assert.notEqual(mount?.readOnly ?? false, true, values);
      assert.equal(volumes.find(({ name }) => name === mount?.name)?.emptyDir?.medium, "Memory", values);
    }
  });

  it("lets the operator reach every NATS that Routers may name", async () => {
    const policy = parseManifests(await render("namespace-selector")).find(
      ({ kind, metadata }) => kind === "NetworkPolicy" && metadata.name === "beamline-operator",
    );
    const { egress = [] } = (policy?.spec ?? {}) as { egress?: { ports: { port: number }[]; to?: object[] }[] };
    const anywhere = egress.filter(({ to }) => to === undefined).flatMap(({ ports }) => ports.map(({ port }) => port));
    assert.deepEqual(
      [4222, 7422].filter((port) => !anywhere.includes(port)),
      [],
    );
  });

  it("has no golden output without its input", () => {
    const outputs = readdirSync(GOLDEN).filter((file) => file.endsWith(".out.yaml"));
    assert.deepEqual(outputs.sort(), cases.map((name) => `${name}.out.yaml`).sort());
  });

  it("grants no wildcard and no list or watch of Secrets, in any watch mode", async () => {
    for (const values of cases) {
      const manifests = parseManifests(await render(values));
      const roles = manifests.filter(({ rules }) => rules !== undefined);
      for (const { kind, metadata, rules = [] } of roles) {
        for (const rule of rules) checkRule(`${values}: ${kind} ${metadata.namespace ?? ""}/${metadata.name}`, rule);
      }
    }
  });

  it("grants what test/golden/chart/permissions.txt lists", async () => {
    const roles = parseManifests(await render("default")).filter(({ rules }) => rules !== undefined);
    const text = roles
      .map(({ kind, metadata, rules = [] }) => describeRole(`${kind} ${metadata.name}`, rules))
      .join("\n");
    console.log(text);
    const file = join(GOLDEN, "permissions.txt");
    if (process.env.UPDATE_GOLDEN === "1") writeFileSync(file, text);
    assert.equal(text, readFileSync(file, "utf8"));
  });

  it("grants only tenants, the named CRDs and questions about callers beyond the namespaces that are watched", async () => {
    const manifests = parseManifests(await render("watched-namespaces"));
    const bound = new Set(
      manifests.filter(({ kind }) => kind === "ClusterRoleBinding").map(({ roleRef }) => roleRef?.name),
    );
    const granted = manifests
      .filter(({ kind, metadata }) => kind === "ClusterRole" && bound.has(metadata.name))
      .map(({ metadata, rules = [] }) => [metadata.name, rules.flatMap((rule) => rule.resources)]);
    assert.deepEqual(granted, [
      ["beamline-system:beamline-control-plane", ["tokenreviews", "subjectaccessreviews", "tenants"]],
      ["beamline-system:beamline-operator", ["tenants", "tenants/status", "customresourcedefinitions"]],
    ]);
    const roles = manifests.filter(({ kind, metadata }) => kind === "Role" && metadata.name === "beamline-operator");
    assert.deepEqual(roles.map(({ metadata }) => metadata.namespace).sort(), ["beamline-system", "team-a", "team-b"]);
  });
});

function checkRule(where: string, { apiGroups, resources, verbs, resourceNames }: Rule): void {
  for (const value of [...apiGroups, ...resources, ...verbs, ...(resourceNames ?? [])])
    assert.ok(!value.includes("*"), `${where}: a wildcard`);
  if (!resources.includes("secrets")) return;
  const allowed = resourceNames === undefined ? ["create"] : ["get", "patch"];
  const beyond = verbs.filter((verb) => !allowed.includes(verb));
  assert.deepEqual(beyond, [], `${where}: Secrets${resourceNames === undefined ? " of every name" : ""}`);
}

function describeRole(title: string, rules: readonly Rule[]): string {
  const lines = rules.map(({ apiGroups, resources, verbs, resourceNames }) => {
    const names = resourceNames === undefined ? "" : ` named ${resourceNames.join(", ")}`;
    return `  ${apiGroups.join(",") || "core"}: ${resources.join(", ")}${names}: ${verbs.join(" ")}`;
  });
  return `${[title, ...lines].join("\n")}\n`;
}

describe("chart, its versions", () => {
  function read(...path: readonly string[]): Readonly<Record<string, unknown>> {
    return parse(readFileSync(join(CHART_DIR, ...path), "utf8")) as Readonly<Record<string, unknown>>;
  }

  it("are those of the product", () => {
    const { version } = read("package.json");
    const chart = read("Chart.yaml");
    assert.deepEqual([chart.version, chart.appVersion], [version, version]);
  });

  it("are the same in the chart's dependencies and in the subcharts", () => {
    const { dependencies } = read("Chart.yaml") as { dependencies: readonly { name: string; version: string }[] };
    assert.deepEqual(dependencies.map(({ name }) => name).sort(), readdirSync(join(CHART_DIR, "charts")).sort());
    for (const { name, version } of dependencies)
      assert.equal(read("charts", name, "Chart.yaml").version, version, name);
  });

  it("of NATS are the one that is tested", async () => {
    const { formatVersion, TESTED_NATS_VERSION } = await import("../../runtime/nats/version.ts");
    const tested = formatVersion(TESTED_NATS_VERSION);
    const { nats } = read("values.yaml") as { nats: { image: { tag: string } } };
    assert.equal(read("charts", "nats", "Chart.yaml").appVersion, tested);
    assert.equal(nats.image.tag, `${tested}-alpine`);
  });
});
