// Kubeconfig files: how a program finds the API server and proves who it is.
import { writeFile } from "node:fs/promises";
import type { SignedCertificate } from "./certificates.ts";

export interface KubeconfigOptions {
  readonly url: string;
  readonly caPem: string;
  readonly client: Pick<SignedCertificate, "certPem" | "keyPem"> | { readonly token: string };
}

const NAME = "beamline-test";

/** Writes a kubeconfig with everything inline, so that it can be copied. JSON, which is YAML. */
export async function writeKubeconfig(path: string, { url, caPem, client }: KubeconfigOptions): Promise<void> {
  const user =
    "token" in client
      ? { token: client.token }
      : { "client-certificate-data": toBase64(client.certPem), "client-key-data": toBase64(client.keyPem) };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: NAME, cluster: { server: url, "certificate-authority-data": toBase64(caPem) } }],
    users: [{ name: NAME, user }],
    contexts: [{ name: NAME, context: { cluster: NAME, user: NAME } }],
    "current-context": NAME,
  };
  await writeFile(path, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
}

function toBase64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}
