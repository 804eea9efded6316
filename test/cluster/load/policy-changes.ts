// Changes a policy over and over, and waits each time until every router serves it.
import { eventually } from "../../support/await.ts";
import { type ApiEndpoint, expectStatus } from "../api-request.ts";

const DEADLINE_MS = 60_000;
const EVERY_MS = 50;

interface Policy {
  readonly metadata: { readonly generation: number };
  readonly status?: {
    readonly conditions: readonly {
      readonly type: string;
      readonly status: string;
      readonly observedGeneration: number;
    }[];
  };
}

/** Returns when `Programmed` is true of what was written. */
export async function changePolicy(api: ApiEndpoint, path: string, spec: object): Promise<void> {
  const contentType = "application/merge-patch+json";
  const patched = await expectStatus(api, 200, "PATCH", path, { contentType, body: { spec } });
  const { generation } = (patched.body as Policy).metadata;
  const isProgrammed = async (): Promise<boolean> => {
    const { status } = (await expectStatus(api, 200, "GET", path)).body as Policy;
    return (status?.conditions ?? []).some(
      ({ type, status: state, observedGeneration }) =>
        type === "Programmed" && state === "True" && observedGeneration === generation,
    );
  };
  await eventually(isProgrammed, {
    deadlineMs: DEADLINE_MS,
    describe: `generation ${generation} of ${path} is programmed`,
    everyMs: EVERY_MS,
  });
}
