// One HTTPS request to an API server, for readiness and for tests; the product's own client is not used to judge the product.
import { request } from "node:https";

export interface ApiEndpoint {
  readonly url: string;
  readonly caPem: string;
  readonly token: string;
}

export type ApiMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface ApiRequestOptions {
  /** Sent as JSON, or as it is when it is a string. */
  readonly body?: unknown;
  /** `application/json` when absent; server-side apply wants `application/apply-patch+yaml`. */
  readonly contentType?: string;
  readonly timeoutMs?: number;
}

export interface ApiResponse {
  readonly status: number;
  /** Parsed JSON, or the text when it is none. */
  readonly body: unknown;
}

const TIMEOUT_MS = 10_000;
/** A list of 5,000 objects of 2 KB. */
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;

/** Sends one request on a connection of its own. Rejects when the server cannot be reached or does not answer in time. */
export function requestApi(
  endpoint: ApiEndpoint,
  method: ApiMethod,
  path: string,
  options: ApiRequestOptions = {},
): Promise<ApiResponse> {
  const { body, contentType = "application/json", timeoutMs = TIMEOUT_MS } = options;
  const headers = { authorization: `Bearer ${endpoint.token}`, accept: "application/json" };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      new URL(path, endpoint.url),
      {
        method,
        ca: endpoint.caPem,
        agent: false,
        timeout: timeoutMs,
        headers: body === undefined ? headers : { ...headers, "content-type": contentType },
      },
      (incoming) => {
        let text = "";
        incoming.setEncoding("utf8");
        incoming.on("data", (chunk: string) => {
          text += chunk;
          if (text.length > MAX_RESPONSE_BYTES) incoming.destroy(new Error(`more than ${MAX_RESPONSE_BYTES} bytes`));
        });
        incoming.once("error", reject);
        incoming.once("end", () => resolve({ status: incoming.statusCode ?? 0, body: parseBody(text) }));
      },
    );
    outgoing.once("timeout", () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    outgoing.once("error", reject);
    outgoing.end(body === undefined || typeof body === "string" ? body : JSON.stringify(body));
  });
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The health endpoints answer in plain text.
    return text;
  }
}

/** Whether the server answers and says that it is ready. */
export function isReady(endpoint: ApiEndpoint, path = "/readyz"): Promise<boolean> {
  return requestApi(endpoint, "GET", path, { timeoutMs: 2_000 }).then(
    ({ status }) => status === 200,
    () => false,
  );
}

/** Sends a request and fails with the answer unless it has the status that is expected. */
export async function expectStatus(
  endpoint: ApiEndpoint,
  status: number,
  method: ApiMethod,
  path: string,
  options: ApiRequestOptions = {},
): Promise<ApiResponse> {
  const response = await requestApi(endpoint, method, path, options);
  if (response.status === status) return response;
  throw new Error(
    `${method} ${path} answered ${response.status}, not ${status}: ${JSON.stringify(response.body).slice(0, 2_000)}`,
  );
}
