// The two questions that a component is asked at its endpoint: what it can do, and whether it serves.
import { type Client, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { Capabilities, EndpointHealth, Registration } from "../../core/registry/component.ts";
import { capabilitiesFromAnswer } from "../../core/registry/event-types.ts";
import { FieldProblems } from "../../core/registry/field-problem.ts";
import { HealthService } from "../../proto/gen/grpc/grpc/health/v1/health.ts";
import { ProcessorServiceService } from "../../proto/gen/grpc/processor/processor.ts";
import { HealthCheckResponse_ServingStatus as ServingStatus } from "../../proto/gen/messages/grpc/health/v1/health.ts";
import type { CapabilitiesResponse } from "../../proto/gen/messages/processor/processor.ts";
import { reasonOf } from "../../runtime/errors.ts";

/** What came of a question. `unoffered`: the endpoint has no such service, and is not asked again. */
export type Outcome<T> =
  | { readonly kind: "answered"; readonly value: T }
  | { readonly kind: "unoffered" }
  | { readonly kind: "ignored"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string };

export const QUESTION_TIMEOUT_MS = 5_000;

export async function askCapabilities(client: Client, registration: Registration): Promise<Outcome<Capabilities>> {
  const answer = await ask(client, ProcessorServiceService.getCapabilities, {});
  return answer.kind === "answered" ? readCapabilities(answer.value, registration) : answer;
}

/** The whole server, as probes of Kubernetes ask. */
export async function askHealth(client: Client): Promise<Outcome<EndpointHealth>> {
  const answer = await ask(client, HealthService.check, { service: "" });
  if (answer.kind !== "answered") return answer;
  const value = HEALTH.get(answer.value.status) ?? "unknown";
  return { kind: "answered", value };
}

const HEALTH: ReadonlyMap<ServingStatus, EndpointHealth> = new Map([
  [ServingStatus.SERVING, "serving"],
  [ServingStatus.NOT_SERVING, "notServing"],
]);

function readCapabilities(
  answer: CapabilitiesResponse,
  { id, capabilities: registered }: Registration,
): Outcome<Capabilities> {
  const { processorId } = answer;
  // An empty id claims nothing; another one is somebody else at that endpoint.
  if (processorId !== "" && processorId !== id)
    return { kind: "ignored", reason: `the endpoint answers as ${JSON.stringify(processorId.slice(0, 128))}` };
  const problems = new FieldProblems();
  const capabilities = capabilitiesFromAnswer(answer, problems);
  const [problem] = problems.list;
  if (problem !== undefined) return { kind: "ignored", reason: `${problem.field} ${problem.message}` };
  const maxConcurrent = capabilities.maxConcurrent ?? registered.maxConcurrent;
  return { kind: "answered", value: { ...capabilities, ...(maxConcurrent === undefined ? {} : { maxConcurrent }) } };
}

interface Method<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

function ask<Request, Response>(
  client: Client,
  { path, requestSerialize, responseDeserialize }: Method<Request, Response>,
  request: Request,
): Promise<Outcome<Response>> {
  const { promise, resolve } = Promise.withResolvers<Outcome<Response>>();
  const options = { deadline: Date.now() + QUESTION_TIMEOUT_MS };
  client.makeUnaryRequest(
    path,
    requestSerialize,
    responseDeserialize,
    request,
    new Metadata(),
    options,
    (error: ServiceError | null, value?: Response) => {
      if (value !== undefined) resolve({ kind: "answered", value });
      else if (error?.code === status.UNIMPLEMENTED) resolve({ kind: "unoffered" });
      else resolve({ kind: "failed", reason: reasonOf(error) });
    },
  );
  return promise;
}
