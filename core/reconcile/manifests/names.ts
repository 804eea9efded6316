// Names of the objects that a Router owns. A name that changes is a deletion and a creation, so a golden file holds these.
import type { Codec } from "../../codec.ts";
import { digestParts, toHex } from "../../hash.ts";

/** Of a DNS label, which the name of a Service must be. */
const MAX_NAME_LENGTH = 63;
const HASH_TAG = "beamline.name.v1";
const HASH_BYTES = 4;
const STARTS_WITH_LETTER = /^[a-z]/;

export interface RouterObjectNames {
  /** Of everything but the Service. */
  readonly workload: string;
  readonly metricsService: string;
}

export function routerObjectNames(router: string, codec: Codec): RouterObjectNames {
  return { workload: ownedName(router, "router", codec), metricsService: ownedName(router, "router-metrics", codec) };
}

/**
 * `<router>-<suffix>`. Where that is too long, or begins with a digit, which a Service's name may not, it is changed and gets
 * the first digits of a hash of what it would have been: no two Routers share a name.
 */
function ownedName(router: string, suffix: string, codec: Codec): string {
  const name = `${router}-${suffix}`;
  if (name.length <= MAX_NAME_LENGTH && STARTS_WITH_LETTER.test(name)) return name;
  const tail = toHex(digestParts(codec, HASH_TAG, [name]), HASH_BYTES);
  const stem = STARTS_WITH_LETTER.test(name) ? name : `r-${name}`;
  const kept = stem.slice(0, MAX_NAME_LENGTH - tail.length - 1).replace(/-+$/, "");
  return `${kept}-${tail}`;
}
