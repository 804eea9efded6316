// Three control planes as processes of their own, over one NATS: to be killed, stopped and continued.
import { RegistryService } from "../../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { type Component, ListRequest } from "../../../proto/gen/messages/beamline/control/v1/registry.ts";
import { TestClient } from "../../support/control-plane.ts";
import { type ControlPlaneProcess, startControlPlaneProcess } from "../../support/control-plane-process.ts";

export const REPLICAS = 3;
const PAGE_SIZE = 1_000;

export class ReplicaGroup {
  readonly processes: ControlPlaneProcess[];
  private readonly environment: Readonly<Record<string, string>>;

  private constructor(processes: ControlPlaneProcess[], environment: Readonly<Record<string, string>>) {
    this.processes = processes;
    this.environment = environment;
  }

  static async start(natsUrl: string, more: Readonly<Record<string, string>> = {}): Promise<ReplicaGroup> {
    const environment = {
      BEAMLINE_NATS_URL: natsUrl,
      BEAMLINE_CONTROLPLANE_REPLICAS: String(REPLICAS),
      BEAMLINE_LOG_LEVEL: "warn",
      ...more,
    };
    const start = () => startControlPlaneProcess(environment);
    return new ReplicaGroup(await Promise.all(Array.from({ length: REPLICAS }, start)), environment);
  }

  /** One, which shares with nobody. */
  static async startAlone(environment: Readonly<Record<string, string>>): Promise<ReplicaGroup> {
    return new ReplicaGroup([await startControlPlaneProcess(environment)], environment);
  }

  get addresses(): string[] {
    return this.processes.map(({ address }) => address);
  }

  at(index: number): ControlPlaneProcess {
    const found = this.processes[index];
    if (found === undefined) throw new Error(`no replica ${index}`);
    return found;
  }

  signal(index: number, name: NodeJS.Signals): void {
    process.kill(this.at(index).pid, name);
  }

  async restart(index: number): Promise<void> {
    const port = Number(this.at(index).address.split(":")[1]);
    this.processes[index] = await startControlPlaneProcess(this.environment, port);
  }

  async metric(index: number, name: string): Promise<number> {
    const text = await (await fetch(`${this.at(index).healthUrl}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? Number.NaN);
  }

  /** The replica that publishes verdicts; undefined while there is none, or two say so. */
  async leader(): Promise<number | undefined> {
    const read = (_: ControlPlaneProcess, index: number): Promise<number> =>
      this.metric(index, "controlplane_registry_leader").catch(() => 0);
    const values = await Promise.all(this.processes.map(read));
    const leading = values.flatMap((value, index) => (value === 1 ? [index] : []));
    return leading.length === 1 ? leading[0] : undefined;
  }

  /** Everything that one replica knows. */
  async list(index: number): Promise<Component[]> {
    const client = new TestClient(this.at(index).address);
    const found: Component[] = [];
    let pageToken = "";
    do {
      const request = ListRequest.fromPartial({ pageSize: PAGE_SIZE, pageToken });
      const page = await client.unary(RegistryService.list, request);
      found.push(...page.components);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    client.close();
    return found;
  }

  async stop(): Promise<void> {
    await Promise.all(this.processes.map((one) => one.end("SIGKILL")));
  }
}
