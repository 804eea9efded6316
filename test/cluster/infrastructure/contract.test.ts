// Routers as pods of a Deployment, held to what every infrastructure owes: the API server and its controllers are real, the
// routers are real, and only the containers that they would run in are missing.
import { after } from "mocha";
import { describeInfrastructure, type InfrastructureHarness } from "../../contract/infrastructure.ts";
import { LoopbackKubelet } from "./kubelet.ts";
import { makeRouter, startWorld, type World } from "./world.ts";

let world: World | undefined;

async function podHarness(): Promise<InfrastructureHarness> {
  if (world === undefined) throw new Error("there is no API server");
  const router = await makeRouter(world);
  const kubelet = new LoopbackKubelet(world.client, router.namespace);
  return {
    infrastructure: router.infrastructure,
    complete: ({ replicas, environment }) => router.deployment({ replicas, environment }),
    kill: ({ uid }) => kubelet.kill(uid),
    isGone: ({ uid }) => !kubelet.runs(uid),
    openLogs: () => undefined,
    close: async () => {
      await router[Symbol.asyncDispose]();
      await kubelet.stop();
    },
  };
}

describeInfrastructure(
  "pods",
  { names: undefined, keepsUid: true, fewestWhileReplaced: 2, outlive: true },
  async (context) => {
    world = await startWorld(context);
    return podHarness;
  },
);

after(() => world?.[Symbol.asyncDispose]());
