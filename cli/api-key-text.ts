// The text of an API key, and the digest by which alone a control plane knows it.
import { createHash, randomBytes } from "node:crypto";
import { API_KEY_PREFIX } from "../core/trust/api-keys.ts";

const KEY_BYTES = 32;

export function newApiKey(): string {
  return API_KEY_PREFIX + randomBytes(KEY_BYTES).toString("base64url");
}

export function apiKeyDigest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
