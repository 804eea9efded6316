// Objects that the router's tests run on.

const policy = (name: string, spec: string): string => `
apiVersion: beamline.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: ${name}, namespace: demo}
spec:
  tenantId: demo
${spec
  .split("\n")
  .map((line) => `  ${line}`)
  .join("\n")}
`;

const provider = (name: string, spec: string): string => `
apiVersion: beamline.dev/v1alpha1
kind: Provider
metadata: {name: ${name}, namespace: demo}
spec: ${spec}
`;

/** The policy `chat` with these weights. */
export function chatPolicy(openai: number, anthropic: number): string {
  return policy("chat", `providers: [{name: openai, weight: ${openai}}, {name: anthropic, weight: ${anthropic}}]`);
}

const ONE_PROVIDER = "providers: [{name: openai}]";

/** All but `chat`: push modes, an even split, no candidate, a provider on a fixed subject. */
const OTHERS: readonly string[] = [
  policy("always", `${ONE_PROVIDER}\nassignment: {push: Always}`),
  policy("never", `${ONE_PROVIDER}\nassignment: {push: Never}`),
  policy("split", "providers: [{name: openai, weight: 1}, {name: anthropic, weight: 1}]"),
  policy("drained", "providers: [{name: openai, weight: 0}]"),
  policy("fixed", "providers: [{name: older}]"),
  policy("unlisted", "providers: [{name: unlisted}]"),
  // The id that decisions carry differs from the object's name, which stands in subjects.
  provider("openai", "{providerId: open_ai}"),
  provider("anthropic", "{}"),
  provider("older", "{legacy: {subject: caf.exec.assign.v1}}"),
  provider("unlisted", "{legacy: {subject: other.work}}"),
];

/** Objects with another policy `chat`. */
export function policiesWith(chat: string): string {
  return [chat, ...OTHERS].join("---");
}

export const POLICIES = policiesWith(chatPolicy(1, 0));
