// Settings of routers that an operator passes on as they stand in its own environment.
import { ROUTER_ENVIRONMENT } from "./config.ts";

export function pickEnvironment(environment: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const picked: Record<string, string> = {};
  for (const name of ROUTER_ENVIRONMENT) {
    const value = environment[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}
