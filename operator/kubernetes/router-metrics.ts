// One set of metrics for the operators of all Routers: counts add up, gauges are sums over Routers.
import { COUNTED_KINDS, type OperatorMetrics } from "../metrics.ts";

type Kind = Parameters<OperatorMetrics["setObjects"]>[0];
type Figures = readonly number[];

/** Gives each Router metrics of its own, of which `shared` shows the sum. The revision is that of the installation's Router. */
export class RouterMetrics {
  private readonly shared: OperatorMetrics;
  private readonly routers = new Map<string, Figures>();
  private readonly objects = new Map<string, Figures>();

  constructor(shared: OperatorMetrics) {
    this.shared = shared;
  }

  for(router: string, isInstallation: boolean): OperatorMetrics {
    return {
      ...this.shared,
      setRevision: (revision) => {
        if (isInstallation) this.shared.setRevision(revision);
      },
      setRouters: (...figures) => {
        this.routers.set(router, figures);
        const [desired = 0, ready = 0, starts = 0] = sum(this.routers.values());
        this.shared.setRouters(desired, ready, starts);
      },
      setObjects: (kind, ...figures) => {
        this.objects.set(`${kind} ${router}`, figures);
        this.showObjects(kind);
      },
    };
  }

  /** The Router is gone, or another process serves it. */
  forget(router: string): void {
    this.for(router, false).setRouters(0, 0, 0);
    this.routers.delete(router);
    for (const kind of COUNTED_KINDS) {
      this.objects.delete(`${kind} ${router}`);
      this.showObjects(kind);
    }
  }

  private showObjects(kind: Kind): void {
    const ofKind = [...this.objects].filter(([key]) => key.startsWith(`${kind} `)).map(([, figures]) => figures);
    const [accepted = 0, refused = 0] = sum(ofKind);
    this.shared.setObjects(kind, accepted, refused);
  }
}

function sum(rows: Iterable<Figures>): Figures {
  const total: number[] = [];
  for (const row of rows) for (const [index, value] of row.entries()) total[index] = (total[index] ?? 0) + value;
  return total;
}
