// Where the example components register, as they are told by options or environment.
import { readFileSync } from "node:fs";
import { type ControlPlane, connectControlPlane } from "../../controlplane/client/connect.ts";
import type { ComponentEvent } from "../../controlplane/client/events.ts";

/** Options that all three components have. */
export const COMMON_OPTIONS = {
  /** host:port of the control plane, or of several with commas between. */
  "control-plane": { type: "string", default: process.env.CONTROL_PLANE_ADDRESSES ?? "127.0.0.1:50051" },
  /** A file with an API key or a token, where the control plane asks for one. */
  "token-file": { type: "string", default: process.env.CONTROL_PLANE_TOKEN_FILE ?? "" },
} as const;

/** Options of those that talk to NATS. */
export const NATS_OPTIONS = {
  "nats-url": { type: "string", default: process.env.NATS_URL ?? "nats://127.0.0.1:4222" },
  /** A .creds file, where NATS asks for one. */
  creds: { type: "string", default: process.env.NATS_CREDS ?? "" },
} as const;

export function controlPlaneOf(options: { "control-plane": string; "token-file": string }): ControlPlane {
  const tokenFile = options["token-file"];
  return connectControlPlane({
    addresses: options["control-plane"].split(","),
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
