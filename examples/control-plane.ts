// Where the examples register, as they are told by options or environment.
import { readFileSync } from "node:fs";
import { type ControlPlane, connectControlPlane } from "../controlplane/client/connect.ts";
import type { ComponentEvent } from "../controlplane/client/events.ts";

export const CONTROL_PLANE_OPTIONS = {
  /** host:port of the control plane, or of several with commas between. */
  "control-plane": { type: "string", default: process.env.CONTROL_PLANE_ADDRESSES ?? "127.0.0.1:50051" },
  /** A file with an API key or a token, where the control plane asks for one. */
  "token-file": { type: "string", default: process.env.CONTROL_PLANE_TOKEN_FILE ?? "" },
  /** Authorities of the control plane's certificate (PEM file), where it speaks TLS. */
  "control-plane-ca": { type: "string", default: process.env.CONTROL_PLANE_CA_FILE ?? "" },
  /** Sends the token to a control plane of another machine that does not speak TLS. */
  "allow-plaintext-token": { type: "boolean", default: false },
} as const;

/** Options of those that talk to NATS. */
export const NATS_OPTIONS = {
  "nats-url": { type: "string", default: process.env.NATS_URL ?? "nats://127.0.0.1:4222" },
  /** A .creds file, where NATS asks for one. */
  creds: { type: "string", default: process.env.NATS_CREDS ?? "" },
} as const;

export interface ControlPlaneValues {
  readonly "control-plane": string;
  readonly "token-file": string;
  readonly "control-plane-ca": string;
  readonly "allow-plaintext-token": boolean;
}

export function controlPlaneOf(options: ControlPlaneValues): ControlPlane {
  const { "token-file": tokenFile, "control-plane-ca": caFile } = options;
  return connectControlPlane({
    addresses: options["control-plane"].split(","),
    allowPlaintextToken: options["allow-plaintext-token"],
    ...(caFile === "" ? {} : { tls: { caFile } }),
    // Read again for each call, so that the file may be replaced.
    ...(tokenFile === "" ? {} : { token: () => readFileSync(tokenFile, "utf8").trim() }),
  });
}

/** Says on standard error what happens between a component and the control plane. */
export function tellEvents(name: string): (event: ComponentEvent) => void {
  return (event) => {
    const message = "message" in event ? `: ${event.message}` : "";
    console.error(`${name}: control plane: ${event.kind}${message}`);
  };
}
