// Takes the marks of removed keys out of the bucket, once every ready router has applied the head without them.
import type { RouterAck } from "../core/config/entry.ts";
import { programmedByUid, type RouterPod } from "../core/config/programmed.ts";
import type { ConfigPublisher } from "./publish-config.ts";

export async function purgeRemovals(
  publisher: ConfigPublisher,
  acks: ReadonlyMap<string, RouterAck>,
  pods: readonly RouterPod[],
): Promise<void> {
  for (const { key, revision, epoch } of publisher.pendingRemovals()) {
    const seen = programmedByUid({ key, uid: "", generation: 0, epoch, revision }, acks, pods);
    if (seen.status === "True") await publisher.purge(key);
  }
}
