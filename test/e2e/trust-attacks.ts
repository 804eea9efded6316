// What producers and workers must not be able to do, as data: subjects to write, subjects to listen to, and ways around.
const HEAD = "$KV.beamline-config.beamline-system.default.head";
const EFFECT = "0123456789abcdef0123456789abcdef";

/** Writing where nobody outside may write. */
const INTERNAL_SUBJECTS: readonly string[] = [
  HEAD,
  "$KV.beamline-config._bus.owner",
  "$KV.beamline-acks.beamline-system.default.router-0",
  `caf.exec.assign.v1.to.${EFFECT}.demo.openai`,
  `caf.exec.assign.v1.to.${EFFECT}._.decided`,
  "beamline.router.v1.decide.tenant.demo",
  "beamline.router.v1.intake.dlq",
  "beamline.reply.v1.demo.forged",
  "_INBOX.forged",
  "_R_.forged",
  "$SYS.REQ.SERVER.PING",
  "$SYS.REQ.CLAIMS.UPDATE",
];

/** Administration of JetStream, and reading what is stored. */
const ADMINISTRATION: readonly string[] = [
  "$JS.API.STREAM.NAMES",
  "$JS.API.STREAM.LIST",
  ...["SUBMIT", "ASSIGNMENTS", "DLQ"].flatMap((name) =>
    ["INFO", "CREATE", "UPDATE", "DELETE", "PURGE", "MSG.GET", "MSG.DELETE", "SNAPSHOT"].map(
      (verb) => `$JS.API.STREAM.${verb}.BEAMLINE_${name}`,
    ),
  ),
  ...["beamline-config", "beamline-acks"].flatMap((bucket) =>
    ["INFO", "DELETE", "PURGE", "MSG.GET"].map((verb) => `$JS.API.STREAM.${verb}.KV_${bucket}`),
  ),
  ...["KV_beamline-config", "KV_beamline-acks", "BEAMLINE_DLQ", "BEAMLINE_SUBMIT", "BEAMLINE_ASSIGNMENTS"].flatMap(
    (stream) => [
      `$JS.API.DIRECT.GET.${stream}`,
      `$JS.API.DIRECT.GET.${stream}.any.subject`,
      `$JS.API.CONSUMER.CREATE.${stream}`,
      `$JS.API.CONSUMER.CREATE.${stream}.mine`,
      `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.mine`,
    ],
  ),
  "$JS.API.STREAM.CREATE.MINE",
  "$JS.API.CONSUMER.DELETE.BEAMLINE_ASSIGNMENTS.provider_demo_openai",
  "$JS.API.CONSUMER.PAUSE.BEAMLINE_ASSIGNMENTS.provider_demo_openai",
  "$JS.API.CONSUMER.DELETE.BEAMLINE_SUBMIT.router-decide-consumer",
  "$JS.API.CONSUMER.MSG.NEXT.BEAMLINE_SUBMIT.router-decide-consumer",
  "$JS.ACK.BEAMLINE_SUBMIT.router-decide-consumer.1.1.1.1700000000000000000.0",
  "$JS.FC.KV_beamline-config.x.y",
];

const LISTENING: readonly string[] = [
  ">",
  "*",
  "$JS.>",
  "$JS.ACK.>",
  "$KV.>",
  "$SYS.>",
  "_R_.>",
  "caf.exec.assign.>",
  "beamline.router.>",
];

export interface Attacks {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

export const PRODUCER_ATTACKS: Attacks = {
  publish: [
    ...INTERNAL_SUBJECTS,
    ...ADMINISTRATION,
    "caf.exec.assign.v1.ack",
    "caf.exec.result.v1",
    "$JS.API.CONSUMER.LIST.BEAMLINE_ASSIGNMENTS",
    "$JS.API.CONSUMER.INFO.BEAMLINE_ASSIGNMENTS.provider_demo_openai",
    "$JS.API.CONSUMER.MSG.NEXT.BEAMLINE_ASSIGNMENTS.provider_demo_openai",
    "$JS.ACK.BEAMLINE_ASSIGNMENTS.provider_demo_openai.1.1.1.1700000000000000000.0",
  ],
  subscribe: [...LISTENING, "caf.exec.result.v1", "caf.exec.assign.v1.ack"],
};

export const WORKER_ATTACKS: Attacks = {
  publish: [...INTERNAL_SUBJECTS, ...ADMINISTRATION, "beamline.router.v1.decide", "beamline.router.v1.submit.demo"],
  subscribe: [...LISTENING, "beamline.reply.v1.>", "caf.exec.result.v1", "caf.exec.assign.v1.ack"],
};

/** What nobody may do to the streams and buckets of the internal account, operator and routers included. */
const DESTRUCTION: readonly string[] = [
  ...["BEAMLINE_SUBMIT", "BEAMLINE_ASSIGNMENTS", "BEAMLINE_DLQ", "KV_beamline-config", "KV_beamline-acks"].flatMap(
    (stream) => ["DELETE", "PURGE", "MSG.GET", "SNAPSHOT", "RESTORE"].map((verb) => `$JS.API.STREAM.${verb}.${stream}`),
  ),
  ...["SUBMIT.router-decide-consumer", "ASSIGNMENTS.provider_demo_openai"].map(
    (consumer) => `$JS.API.CONSUMER.DELETE.BEAMLINE_${consumer}`,
  ),
  "$JS.API.STREAM.MSG.DELETE.KV_beamline-config",
  "$JS.API.STREAM.UPDATE.KV_beamline-config",
  "$JS.API.STREAM.CREATE.MINE",
  "beamline.router.v1.decide",
  "beamline.router.v1.submit.demo",
  "_INBOX.forged",
  "$SYS.REQ.SERVER.PING",
];

/** Of a router that was taken over: it may do a router's work, and nothing else. */
export const ROUTER_ATTACKS: Attacks = {
  publish: [
    ...DESTRUCTION,
    HEAD,
    "$KV.beamline-config._bus.owner",
    "$JS.API.STREAM.CREATE.BEAMLINE_SUBMIT",
    "$JS.API.STREAM.UPDATE.BEAMLINE_ASSIGNMENTS",
    "$JS.API.CONSUMER.CREATE.BEAMLINE_SUBMIT.mine",
    "$JS.API.CONSUMER.CREATE.BEAMLINE_ASSIGNMENTS",
    "$JS.API.CONSUMER.MSG.NEXT.BEAMLINE_ASSIGNMENTS.provider_demo_openai",
    "$JS.API.DIRECT.GET.BEAMLINE_DLQ",
    "$JS.API.DIRECT.GET.BEAMLINE_SUBMIT",
    "caf.exec.result.v1",
    "caf.exec.assign.v1.ack",
  ],
  subscribe: LISTENING,
};

/** The operator writes configuration, and none of what routers and workers write. */
export const OPERATOR_ATTACKS: Attacks = {
  publish: [
    ...DESTRUCTION,
    "$KV.beamline-acks.beamline-system.default.router-0",
    `caf.exec.assign.v1.to.${EFFECT}.demo.openai`,
    "beamline.router.v1.intake.dlq",
    "beamline.reply.v1.demo.forged",
    "$JS.API.STREAM.MSG.DELETE.BEAMLINE_ASSIGNMENTS",
    "$JS.API.CONSUMER.MSG.NEXT.BEAMLINE_SUBMIT.router-decide-consumer",
    "_R_.forged",
  ],
  subscribe: [...LISTENING, "beamline.router.v1.decide"],
};

/** Where an answer is asked for so that somebody else's answer writes what the asker may not. */
export const WRITE_BY_REPLY: readonly string[] = [
  HEAD,
  "$KV.beamline-acks.beamline-system.default.router-0",
  "$JS.API.STREAM.DELETE.BEAMLINE_ASSIGNMENTS",
  "$JS.API.STREAM.PURGE.KV_beamline-config",
  `caf.exec.assign.v1.to.${EFFECT}.demo.openai`,
  "caf.exec.result.v1",
  "beamline.router.v1.submit.other",
  "beamline.router.v1.intake.dlq",
  "beamline.reply.v1.other.forged",
];

/** Replies that the server itself takes from no client. */
export const RESERVED_REPLIES: readonly string[] = [
  "_R_.forged",
  "$JS.ACK.BEAMLINE_SUBMIT.router-decide-consumer.1.1.1.1700000000000000000.0",
  "$JS.ACK.BEAMLINE_ASSIGNMENTS.provider_demo_openai.1.1.1.1700000000000000000.0",
];

/** Headers by which NATS itself writes or removes for whoever publishes, and what becomes of a submission with them. */
export const POWERFUL_HEADERS: readonly { readonly name: string; readonly value: string; readonly outcome: string }[] =
  [
    { name: "Nats-Rollup", value: "all", outcome: "rollup not permitted" },
    { name: "Nats-Rollup", value: "sub", outcome: "rollup not permitted" },
    { name: "Nats-Schedule", value: "@at 2030-01-01T00:00:00Z", outcome: "message schedules is disabled" },
    // Without a schedule it is a header like any other.
    { name: "Nats-Schedule-Target", value: HEAD, outcome: "stored" },
    // The server drops what asks for a trace on a subject that its publisher may not write.
    { name: "Nats-Trace-Dest", value: HEAD, outcome: "timeout" },
    // The server writes its own over it.
    { name: "Nats-Request-Info", value: '{"acc":"BEAMLINE","svc":"BEAMLINE"}', outcome: "stored" },
  ];
