// Whether a control plane serves, by its gRPC health, which asks nobody who they are.
import { CallProblem } from "../controlplane/client/call-problem.ts";
import { Connection } from "../controlplane/client/connection.ts";
import type { ControlPlaneOptions } from "../controlplane/client/options.ts";
import { HealthService } from "../proto/gen/grpc/grpc/health/v1/health.ts";
import { HealthCheckResponse_ServingStatus as ServingStatus } from "../proto/gen/messages/grpc/health/v1/health.ts";

const TIMEOUT_MS = 3_000;

/** `reason` says why it does not. */
export async function askServing(
  options: ControlPlaneOptions,
): Promise<{ readonly serving: boolean; readonly reason: string }> {
  const connection = new Connection(options);
  try {
    const { status } = await connection.use((channel) =>
      channel.unary(HealthService.check, { service: "" }, TIMEOUT_MS),
    );
    const serving = status === ServingStatus.SERVING;
    return { serving, reason: serving ? "" : "it is stopping" };
  } catch (error) {
    if (error instanceof CallProblem) return { serving: false, reason: `${error.code}: ${error.message}` };
    throw error;
  } finally {
    connection.close();
  }
}
