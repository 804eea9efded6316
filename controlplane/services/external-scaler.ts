// externalscaler.ExternalScaler, which KEDA calls: how many messages wait before a Router or a provider.
import { namesFor } from "../../core/handover/subjects.ts";
import { err, ok } from "../../core/result.ts";
import type { ExternalScalerServer } from "../../proto/gen/grpc/externalscaler/externalscaler.ts";
import type {
  GetMetricSpecResponse,
  GetMetricsRequest,
  IsActiveResponse,
  ScaledObjectRef,
} from "../../proto/gen/messages/externalscaler/externalscaler.ts";
import type { NatsLink } from "../../runtime/nats/connection.ts";
import { readConsumerBacklog } from "../../runtime/nats/consumer-backlog.ts";
import type { CallSubject } from "../access/access-control.ts";
import { type CallFailure, fieldsInvalid } from "../call-failure.ts";
import type { Answer, CallFrame } from "../call-frame.ts";
import { type CallTime, timeOf, timeWithin } from "../call-time.ts";
import type { OpenStream, OpenStreams } from "../open-streams.ts";
import type { RouterPrefixes } from "../scaling/router-prefixes.ts";
import { readScalerMetadata, type ScalerTarget } from "../scaling/scaler-metadata.ts";

export interface ExternalScalerOptions {
  readonly frame: CallFrame;
  readonly streams: OpenStreams;
  readonly link: () => NatsLink | undefined;
  readonly routers: RouterPrefixes;
  /** Of a call without a deadline of its own. */
  readonly callTimeoutMs: number;
}

const PATH = "/externalscaler.ExternalScaler";
export const METRIC = "lag";
/** How often a stream looks whether there is work. */
const LOOK_EVERY_MS = 1_000;
const READ_TIMEOUT_MS = 2_000;

export function externalScalerService(options: ExternalScalerOptions): ExternalScalerServer {
  const { frame, streams, callTimeoutMs } = options;
  return {
    isActive: frame.unary(
      `${PATH}/IsActive`,
      async ({ scalerMetadata }, _caller, _note, call) => {
        const active = await isActive(options, scalerMetadata, timeOf(call, callTimeoutMs));
        return active.ok ? ok({ result: active.value }) : active;
      },
      subjectOf,
    ),
    streamIsActive: frame.serverStream(
      `${PATH}/StreamIsActive`,
      ({ scalerMetadata }, stream) =>
        streams.run<IsActiveResponse>(stream, (open) => tellActivity(options, scalerMetadata, open)),
      subjectOf,
    ),
    getMetricSpec: frame.unary(`${PATH}/GetMetricSpec`, ({ scalerMetadata }) => metricSpec(scalerMetadata), subjectOf),
    getMetrics: frame.unary(
      `${PATH}/GetMetrics`,
      async (request: GetMetricsRequest, _caller, _note, call) => {
        const { metricName } = request;
        if (metricName !== METRIC)
          return err(fieldsInvalid([{ field: "metricName", rule: "enum", message: `must be ${METRIC}` }]));
        const metadata = request.scaledObjectRef?.scalerMetadata ?? {};
        const lag = await readLag(options, metadata, timeOf(call, callTimeoutMs));
        if (!lag.ok) return lag;
        const { messages } = lag.value;
        const metricValue = BigInt(messages);
        return ok({ metricValues: [{ metricName, metricValue, metricValueFloat: messages }] });
      },
      ({ scaledObjectRef }) => subjectOf(scaledObjectRef),
    ),
    streamMetricSpec: frame.serverStream(
      `${PATH}/StreamMetricSpec`,
      ({ scalerMetadata }, stream) =>
        streams.run<GetMetricSpecResponse>(stream, (open) => tellMetricSpec(scalerMetadata, open)),
      subjectOf,
    ),
  };
}

type Metadata = ScaledObjectRef["scalerMetadata"];

function subjectOf(ref: Pick<ScaledObjectRef, "namespace" | "name"> | undefined): CallSubject {
  return { object: `scaledobject/${ref?.namespace ?? ""}/${ref?.name ?? ""}` };
}

function metricSpec(metadata: Metadata): Answer<GetMetricSpecResponse> {
  const target = readScalerMetadata(metadata);
  if (!target.ok) return err(fieldsInvalid(target.error));
  const { lagThreshold } = target.value;
  // Callers that read only integers get a target of at least 1.
  const targetSize = BigInt(Math.max(1, Math.round(lagThreshold)));
  return ok({ metricSpecs: [{ metricName: METRIC, targetSize, targetSizeFloat: lagThreshold }] });
}

async function isActive(options: ExternalScalerOptions, metadata: Metadata, time: CallTime): Promise<Answer<boolean>> {
  const lag = await readLag(options, metadata, time);
  return lag.ok ? ok(lag.value.messages > lag.value.target.activationLagThreshold) : lag;
}

interface Lag {
  readonly target: ScalerTarget;
  /** As KEDA's own scaler counts: what was never delivered, and what was delivered and is not acknowledged. */
  readonly messages: number;
}

async function readLag(
  { link, routers }: ExternalScalerOptions,
  metadata: Metadata,
  time: CallTime,
): Promise<Answer<Lag>> {
  const target = readScalerMetadata(metadata);
  if (!target.ok) return err(fieldsInvalid(target.error));
  const { router, provider } = target.value;
  const prefix = await routers.find(router, time);
  if (!prefix.ok) return prefix;
  const nats = link();
  if (nats === undefined || !nats.connected()) return err(NO_NATS);
  const { streams, consumers } = namesFor(prefix.value);
  const [stream, durable] =
    provider === undefined ? [streams.submit, consumers.decide] : [streams.assignments, consumers.provider(provider)];
  const timeoutMs = Math.max(1, Math.min(READ_TIMEOUT_MS, time.remainingMs()));
  const backlog = await readConsumerBacklog(nats.nc, stream, durable, timeoutMs);
  if (backlog === undefined) {
    const message = `there is no consumer ${durable} on stream ${stream}: the operator makes it with the first policy`;
    return err({ cause: "CONSUMER_UNKNOWN", message, values: { stream, consumer: durable } });
  }
  return ok({ target: target.value, messages: backlog.pending + backlog.unacknowledged });
}

const NO_NATS: CallFailure = {
  cause: "DEPENDENCY_UNAVAILABLE",
  message: "this control plane has no connection to NATS, which knows what waits",
};

/** Tells it at once and whenever it changes. When it cannot be known the stream ends, and KEDA opens another one. */
async function tellActivity(
  options: ExternalScalerOptions,
  metadata: Metadata,
  open: OpenStream<IsActiveResponse>,
): Promise<CallFailure | undefined> {
  let told: boolean | undefined;
  while (open.ended === undefined) {
    const active = await isActive(options, metadata, timeWithin(options.callTimeoutMs));
    if (!active.ok) return active.error;
    if (active.value !== told) await open.write({ result: active.value });
    told = active.value;
    const timer = setTimeout(() => open.wake(), LOOK_EVERY_MS);
    await open.woken();
    clearTimeout(timer);
  }
  return undefined;
}

/** The targets are those of the trigger: KEDA asks anew when it changes. */
async function tellMetricSpec(
  metadata: Metadata,
  open: OpenStream<GetMetricSpecResponse>,
): Promise<CallFailure | undefined> {
  const spec = metricSpec(metadata);
  if (!spec.ok) return spec.error;
  await open.write(spec.value);
  while (open.ended === undefined) await open.woken();
  return undefined;
}
