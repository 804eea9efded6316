// What `kubectl get` prints of each kind: whether it works, why not, and what tells objects of the kind apart.
import type { ObjectKind } from "../policy/spec.ts";

export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "date";
  readonly jsonPath: string;
  readonly description: string;
  /** 0 is always shown, 1 only with `-o wide`. */
  readonly priority?: 0 | 1;
}

function column(name: string, jsonPath: string, description: string, priority: 0 | 1 = 0): PrinterColumn {
  return { name, type: "string", jsonPath, description, ...(priority === 0 ? {} : { priority }) };
}

function conditionField(type: string, field: "status" | "reason" | "message"): string {
  return `.status.conditions[?(@.type=="${type}")].${field}`;
}

const ready = [
  column("Ready", conditionField("Ready", "status"), "Whether the newest generation works everywhere."),
  column("Reason", conditionField("Ready", "reason"), "Why it is ready or not."),
];
const message = column("Message", conditionField("Ready", "message"), "Why, as a sentence.", 1);
const age: PrinterColumn = {
  name: "Age",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
  description: "Time since the object was made.",
};

function replicas(name: string, jsonPath: string, description: string, priority: 0 | 1 = 0): PrinterColumn {
  return { ...column(name, jsonPath, description, priority), type: "integer" };
}

export const printerColumns: Readonly<Record<ObjectKind, readonly PrinterColumn[]>> = {
  RoutingPolicy: [
    column("Tenant", ".status.tenantId", "Tenant whose messages it routes."),
    column("Policy", ".status.policyId", "What requests name."),
    ...ready,
    age,
    column("Router", ".status.router", "Router that serves it.", 1),
    column("Accepted", conditionField("Accepted", "status"), "Whether it is valid and may stand.", 1),
    column("Resolved", conditionField("ResolvedRefs", "status"), "Whether its references lead somewhere.", 1),
    column("Programmed", conditionField("Programmed", "status"), "Whether every ready router has it in force.", 1),
    column("Registered", conditionField("Registered", "status"), "Whether registered processors take its work.", 1),
    message,
  ],
  Router: [
    replicas("Desired", ".spec.replicas", "Routers asked for."),
    replicas("Available", ".status.readyReplicas", "Routers that are ready."),
    ...ready,
    age,
    replicas("Updated", ".status.updatedReplicas", "Routers with the current settings.", 1),
    column("Prefix", ".spec.subjects.prefix", "Stands before every subject.", 1),
    message,
  ],
  Provider: [
    column("Provider", ".status.providerId", "What decisions carry as provider_id."),
    column("Drain", ".spec.drain", "Whether it is taken out of every policy."),
    replicas("Live", ".status.processors.live", "Registered processors that are heard of."),
    ...ready,
    age,
    replicas("Lost", ".status.processors.lost", "Registered processors that are heard of no more.", 1),
    column("Processors", ".status.processors.names", "Ids of the first of them.", 1),
    column("Consumer", ".status.consumer", "JetStream consumer of its workers.", 1),
    message,
  ],
  Tenant: [
    column("Tenant", ".status.tenantId", "What messages carry as tenant_id."),
    ...ready,
    age,
    column("Namespaces", ".spec.namespaces", "Namespaces that may write its policies.", 1),
    message,
  ],
  Pipeline: [
    column("Source", ".spec.source.id", "Component that the events come from."),
    column("Linked", conditionField("Linked", "status"), "Whether every component is there and event types meet."),
    ...ready,
    age,
    column("Tenant", ".status.tenantId", "Tenant whose messages it takes.", 1),
    column("Router", ".status.router", "Router that runs it.", 1),
    column("Input", ".status.input", "Subject that the source publishes to.", 1),
    message,
  ],
};
