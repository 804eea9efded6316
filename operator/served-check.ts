// Whether what stands in the bucket was served before it is replaced: then it is worth falling back to.
import type { ConfigEntry, RouterAck } from "../core/config/entry.ts";
import { wasServed } from "../core/config/last-good.ts";
import { type ProgrammedTarget, programmedByUid, type RouterPod } from "../core/config/programmed.ts";

export interface ServedCheckInput {
  target(key: string): ProgrammedTarget | undefined;
  readonly acks: ReadonlyMap<string, RouterAck>;
  readonly pods: readonly RouterPod[];
  /** The entry that stands in the bucket. */
  standing(key: string): ConfigEntry | undefined;
  readonly standingHead: { readonly revision: number; readonly epoch: string } | undefined;
}

/**
 * Answers for a key: is it served by every ready router? Where the head that included it was written by an operator before
 * this one, whose targets are gone: was it served by any router?
 */
export function servedCheck(input: ServedCheckInput): (key: string) => boolean {
  const { acks, pods, standingHead } = input;
  return (key) => {
    const target = input.target(key);
    if (target !== undefined) return programmedByUid(target, acks, pods).status === "True";
    const entry = input.standing(key);
    return entry !== undefined && standingHead !== undefined && wasServed(key, entry, standingHead, acks.values());
  };
}
