// Logging in from a .creds file that may be replaced at any time: read at each connection, believed only when it is whole.
import { readFileSync } from "node:fs";
import { type Authenticator, credsAuthenticator } from "@nats-io/nats-core";
import { BeamlineError, reasonOf } from "../errors.ts";

const MAX_BYTES = 64 * 1024;
const NONCE = "nonce";

/** Throws BeamlineError CONFIG_INVALID when there is nothing to begin with. */
export function fileAuthenticator(path: string): Authenticator {
  let last = readCredentials(path);
  return (nonce) => {
    // One reading gives both token and key: of two, a replacement in between would make a pair that does not fit.
    try {
      last = readCredentials(path);
    } catch {
      // In the middle of a replacement the file may be away or cut short: the last good content is tried again.
    }
    return credsAuthenticator(last)(nonce);
  };
}

function readCredentials(path: string): Uint8Array {
  let content: Uint8Array;
  try {
    content = readFileSync(path);
  } catch (error) {
    throw new BeamlineError("CONFIG_INVALID", `NATS credentials file ${path} cannot be read: ${reasonOf(error)}`, {
      hint: "Name a .creds file that this user can read.",
      cause: error,
    });
  }
  if (content.length <= MAX_BYTES && canLogIn(content)) return content;
  throw new BeamlineError("CONFIG_INVALID", `NATS credentials file ${path} holds no user JWT with its key`, {
    hint: "Name a .creds file as nsc or `beamline nats-accounts` write it.",
  });
}

/** Whether there is a token in it, and a key that signs. What is wrong otherwise is not told: it may quote the key. */
function canLogIn(content: Uint8Array): boolean {
  try {
    credsAuthenticator(content)(NONCE);
    return true;
  } catch {
    return false;
  }
}
