// Where a component is reached: host:port, or a URL of a scheme that components speak.

const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?";
const HOST = `(?:${LABEL}(?:\\.${LABEL})*\\.?|\\[[0-9A-Fa-f:.]{2,45}\\])`;
const HOST_PORT = new RegExp(`^${HOST}:([0-9]{1,5})$`);
const URL_TEXT = new RegExp(`^([a-z]+)://${HOST}(?::([0-9]{1,5}))?(?:/[^\\s#]*)?$`);
/** The name form of gRPC targets: an empty authority, then host:port. */
const GRPC_NAME = new RegExp(`^dns:///${HOST}:([0-9]{1,5})$`);
const SCHEMES = ["grpc", "grpcs", "http", "https", "nats", "tcp", "tls", "ws", "wss"];
const CREDENTIALS = /^[a-z]+:\/\/[^/]*@/;
const MAX_PORT = 65_535;

/** The rule that a text breaks, in words; undefined = it is an endpoint. */
export function endpointProblem(text: string): { readonly rule: string; readonly message: string } | undefined {
  if (CREDENTIALS.test(text))
    return {
      rule: "endpoint_credentials",
      message: "must not hold a user name or password: everybody who lists components sees it",
    };
  const [, scheme, urlPort] = URL_TEXT.exec(text) ?? [];
  const port = (HOST_PORT.exec(text) ?? GRPC_NAME.exec(text))?.[1] ?? urlPort;
  const isWellFormed = scheme === undefined ? port !== undefined : SCHEMES.includes(scheme);
  if (!isWellFormed)
    return {
      rule: "endpoint",
      message: `must be host:port, dns:///host:port, or a URL of one of ${SCHEMES.join(", ")}`,
    };
  if (port !== undefined && (Number(port) < 1 || Number(port) > MAX_PORT))
    return { rule: "endpoint_port", message: `must have a port from 1 to ${MAX_PORT}` };
  return undefined;
}
