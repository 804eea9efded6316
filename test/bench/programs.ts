// The programs that are measured beside each other, all started before the first measurement and all idle but one at a time.
import { join } from "node:path";
import { freePort, type RouterProcess, startRouterProcess } from "../support/router-process.ts";
import { makeTempDir } from "../support/temp.ts";
import { type BenchChild, startChild } from "./child.ts";
import type { LoopStreams, World } from "./world.ts";

export interface Programs {
  readonly router: RouterProcess;
  readonly bare: Loop;
  /** The bare loop on an input stream that keeps its messages, as most examples of the field have it. */
  readonly bareOnLimits: Loop;
  /** The bare loop with outputs of the size of assignments, each of them its own claim: as fast as a router can be. */
  readonly claiming: Loop;
  readonly idiomatic: Loop;
  readonly echo: Responder;
  /** Stores each answer before it is given. */
  readonly storingEcho: Responder;
  stop(): Promise<void>;
}

export interface Loop {
  readonly pid: number;
  readonly streams: LoopStreams;
}

export interface Responder {
  readonly pid: number;
  readonly subject: string;
  /** Stream and subject of what it stores. */
  readonly streams: LoopStreams | undefined;
}

export async function startPrograms(world: World, profileDir: string | undefined): Promise<Programs> {
  const { url } = world.nats;
  const children: BenchChild[] = [];
  const loop = async (name: string, mode: "bare" | "claim" | "idiomatic", retention?: "limits"): Promise<Loop> => {
    const streams = await world.makeLoopStreams(name, retention === undefined ? {} : { retention });
    const { consumer, outputSubject } = streams;
    const child = await startChild("drain-loop.ts", [mode, url, consumer.stream, consumer.durableName, outputSubject]);
    children.push(child);
    return { pid: child.pid, streams };
  };
  const responder = async (name: string, stores: boolean): Promise<Responder> => {
    const streams = stores ? await world.makeLoopStreams(name) : undefined;
    const subject = `bench.${name}`;
    const child = await startChild("responder.ts", [url, subject, ...(streams ? [streams.outputSubject] : [])]);
    children.push(child);
    return { pid: child.pid, subject, streams };
  };
  const { router, stop } = await startRouter(url, profileDir);
  return {
    router,
    bare: await loop("bare", "bare"),
    bareOnLimits: await loop("bare-limits", "bare", "limits"),
    claiming: await loop("claiming", "claim"),
    idiomatic: await loop("idiomatic", "idiomatic"),
    echo: await responder("echo", false),
    storingEcho: await responder("storing-echo", true),
    stop: async () => {
      await stop();
      for (const child of children) await child.stop();
    },
  };
}

async function startRouter(
  natsUrl: string,
  profileDir: string | undefined,
): Promise<{ router: RouterProcess; stop(): Promise<void> }> {
  const temp = await makeTempDir("beamline-bench-");
  const profile = profileDir === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileDir}` };
  const router = await startRouterProcess({
    name: "router-bench",
    natsUrl,
    healthPort: await freePort(),
    logFile: join(temp.path, "router.log"),
    environment: profile,
  });
  return {
    router,
    stop: async () => {
      router.signal("SIGTERM");
      const end = await router.exited;
      await temp.remove();
      if (end !== 0) throw new Error(`the router ended with ${end}`);
    },
  };
}
