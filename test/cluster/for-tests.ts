// What the tests of the cluster share: skipping aloud what this machine cannot run, and waiting for the API.
import { skipUnless } from "../support/skip.ts";
import { type ApiEndpoint, type ApiRequestOptions, type ApiResponse, requestApi } from "./api-request.ts";
import { type ApiServer, type StartApiServerOptions, startApiServer } from "./api-server.ts";
import { API_SERVER_PROGRAMS } from "./programs.ts";
import { missingForApiServer } from "./requirements.ts";

/** Starts an API server, or skips the test or suite of `context` with what the machine lacks. */
export async function startTestApiServer(
  context: Mocha.Context,
  options: StartApiServerOptions = {},
): Promise<ApiServer> {
  const programs = options.controllers === undefined ? [] : ["kube-controller-manager" as const];
  const missing = await missingForApiServer(process.env, [...API_SERVER_PROGRAMS, ...programs]);
  skipUnless(context, missing.length === 0, missing.join("; "));
  return startApiServer(options);
}

/** Sends a request and fails with the answer unless it has the status that is expected. */
export async function expectStatus(
  endpoint: ApiEndpoint,
  status: number,
  method: Parameters<typeof requestApi>[1],
  path: string,
  options: ApiRequestOptions = {},
): Promise<ApiResponse> {
  const response = await requestApi(endpoint, method, path, options);
  if (response.status === status) return response;
  throw new Error(
    `${method} ${path} answered ${response.status}, not ${status}: ${JSON.stringify(response.body).slice(0, 2_000)}`,
  );
}
