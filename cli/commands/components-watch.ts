// `beamline components watch`: the components as they stand, then every change, for as long as it runs.
import type { ServiceError } from "@grpc/grpc-js";
import { retryDelayMs } from "../../controlplane/client/backoff.ts";
import { type CallProblem, callProblem } from "../../controlplane/client/call-problem.ts";
import type { Connection } from "../../controlplane/client/connection.ts";
import { Wakeable } from "../../controlplane/client/wakeable.ts";
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import {
  WatchResponse_Type as Type,
  watchResponse_TypeToJSON as typeName,
  type WatchRequest,
  WatchResponse,
} from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import type { Command } from "../command.ts";
import { KIND_OPTION, readKinds } from "../component-query.ts";
import { COMPONENT_COLUMNS, componentData, componentRow } from "../component-view.ts";
import { CONTROL_PLANE_OPTIONS, visitControlPlane } from "../control-plane-session.ts";
import { textOption } from "../option-values.ts";
import { formatRow } from "../table.ts";
import type { Terminal } from "../terminal.ts";

/** After these a watch begins anew: what its token stood for is known no more. */
const BEGIN_ANEW: readonly string[] = ["OUT_OF_RANGE", "ABORTED"];
/** A line is printed when its change comes, so columns are as wide as their usual contents: what is longer moves its line. */
const COLUMN_WIDTHS = [14, 9, 24, 11, 9, 20, 24, 0] as const;

export const componentsWatchCommand: Command = {
  name: "components watch",
  summary: "Show components as they stand, then every change, until Ctrl-C",
  usage: "[--kind KIND] [--resume TOKEN]",
  options: {
    ...KIND_OPTION,
    resume: { type: "string", valueName: "TOKEN", description: "go on after the change that carried this token" },
    ...CONTROL_PLANE_OPTIONS,
  },
  examples: ["npx beamline components watch", "npx beamline components watch --kind processor --output json"],
  run: async (invocation) => {
    const { terminal, values } = invocation;
    const request = { kinds: readKinds(values), resumeToken: textOption(values, "resume") ?? "" };
    const resumeToken = await visitControlPlane(invocation, (connection) =>
      new Watch(connection, terminal, request).run(),
    );
    if (resumeToken !== "") terminal.note(`go on from here with --resume ${resumeToken}`);
    return 0;
  },
};

/** Goes on over lost connections; ends at a signal, or with a failure that trying again does not mend. */
class Watch {
  private readonly connection: Connection;
  private readonly terminal: Terminal;
  private readonly request: WatchRequest;
  private readonly ended = new Wakeable();
  private token: string;
  private stopped = false;
  private headed = false;
  private cancel: (() => void) | undefined;

  constructor(connection: Connection, terminal: Terminal, request: WatchRequest) {
    this.connection = connection;
    this.terminal = terminal;
    this.request = request;
    this.token = request.resumeToken;
  }

  /** Resolves to the token of the last change. */
  async run(): Promise<string> {
    const stop = (): void => this.stop();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);
    try {
      for (let attempt = 0; !this.stopped; attempt += 1) {
        const before = this.token;
        await this.follow(attempt === 0);
        if (this.token !== before) attempt = 0;
        if (!this.stopped) await this.ended.wait(retryDelayMs(attempt, Math.random()));
      }
      return this.token;
    } finally {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, stop);
    }
  }

  private stop(): void {
    this.stopped = true;
    this.cancel?.();
    this.ended.wake();
  }

  /** One stream to its end. A first one that nobody answers is a failure, so that a wrong address is told at once. */
  private async follow(first: boolean): Promise<void> {
    let heard = false;
    try {
      await this.connection.use(
        (channel) =>
          new Promise<void>((resolve, reject) => {
            const stream = channel.serverStream(RegistryService.watch, { ...this.request, resumeToken: this.token });
            this.cancel = () => stream.cancel();
            stream.on("data", (response: WatchResponse) => {
              heard = true;
              this.show(response);
            });
            stream.on("error", (error: ServiceError) => reject(callProblem(error)));
            stream.on("end", resolve);
          }),
      );
    } catch (error) {
      const problem = error as CallProblem;
      if (this.stopped) return;
      if (BEGIN_ANEW.includes(problem.code)) this.token = "";
      else if (!problem.isOutage || (first && !heard)) throw problem;
      this.terminal.note(`${problem.message}; trying again`, "yellow");
    }
  }

  private show(response: WatchResponse): void {
    const { type, component, resumeToken } = response;
    if (resumeToken !== "") this.token = resumeToken;
    if (this.terminal.format === "json") this.terminal.printJsonItem(responseData(response));
    else if (component !== undefined) {
      const change = typeName(type).replace("TYPE_", "").toLowerCase().replaceAll("_", " ");
      const row = componentRow(this.terminal, component, Date.now());
      this.printHeading();
      this.terminal.print(formatRow([change, ...row], COLUMN_WIDTHS));
    } else if (type === Type.TYPE_SYNCED) this.terminal.note("that is all there is; changes follow");
  }
  /** Once, before the first line. */
  private printHeading(): void {
    if (this.headed) return;
    this.headed = true;
    const names = ["change", ...COMPONENT_COLUMNS].map((name) => name.toUpperCase());
    this.terminal.print(formatRow(names, COLUMN_WIDTHS));
  }
}

function responseData(response: WatchResponse): unknown {
  const { component } = response;
  const data = WatchResponse.toJSON(response) as Record<string, unknown>;
  return component === undefined ? data : { ...data, component: componentData(component) };
}
