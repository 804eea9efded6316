// Rendered manifests as plain data, and the pods in them.
import { parseAllDocuments } from "yaml";

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: unknown;
  readonly rules?: readonly Rule[];
  /** Of a binding. */
  readonly roleRef?: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
}

/** As Helm reads YAML, which takes 0440 for an octal number. */
export function parseManifests(text: string): readonly Manifest[] {
  return parseAllDocuments(text, { version: "1.1" })
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

interface Workload {
  readonly template?: { readonly metadata?: object; readonly spec: { readonly volumes?: readonly object[] } };
  readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
}

/** Each pod that the manifests would become, with the name of what makes it. */
export function podsOf(manifests: readonly Manifest[]): readonly { readonly name: string; readonly pod: Manifest }[] {
  return manifests.flatMap((manifest) => {
    const name = `${manifest.kind}/${manifest.metadata.name}`;
    if (manifest.kind === "Pod") return [{ name, pod: manifest }];
    const { template, volumeClaimTemplates = [] } = (manifest.spec ?? {}) as Workload;
    if (template === undefined) return [];
    const metadata = { ...template.metadata, name: manifest.metadata.name };
    // As the controller of StatefulSets does.
    const claims = volumeClaimTemplates.map(({ metadata: claim }) => ({
      name: claim.name,
      persistentVolumeClaim: { claimName: `${claim.name}-${manifest.metadata.name}-0` },
    }));
    const spec = { ...template.spec, volumes: [...(template.spec.volumes ?? []), ...claims] };
    return [{ name, pod: { apiVersion: "v1", kind: "Pod", metadata, spec } }];
  });
}
