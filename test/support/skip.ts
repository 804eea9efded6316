// Skipping aloud: what a machine cannot run is skipped with its reason, and is a failure where everything is required.

const reasons = new WeakMap<object, string>();

/** Whether a skip counts as a failure (`BEAMLINE_REQUIRE=all`, as in CI). */
export function everythingRequired(env: NodeJS.ProcessEnv = process.env): boolean {
  return env.BEAMLINE_REQUIRE === "all";
}

/**
 * Skips the running test, or the whole suite when called in a `before` hook, unless `condition` holds. `reason` says what
 * the machine lacks and how to get it; the report prints it. Throws instead of skipping when everything is required.
 */
export function skipUnless(context: Mocha.Context, condition: boolean, reason: string): void {
  if (condition) return;
  if (everythingRequired()) throw new Error(`cannot be skipped, because BEAMLINE_REQUIRE=all: ${reason}`);
  const runnable = context.test;
  const target = runnable !== undefined && "type" in runnable && runnable.type === "hook" ? runnable.parent : runnable;
  if (target !== undefined) reasons.set(target, reason);
  context.skip();
}

/** The reason given for a skipped test, looked for in the test and then in its suites, innermost first. */
export function skipReason(test: Mocha.Runnable): string {
  const own = reasons.get(test);
  if (own !== undefined) return own;
  for (let suite: Mocha.Suite | undefined = test.parent; suite !== undefined; suite = suite.parent) {
    const reason = reasons.get(suite);
    if (reason !== undefined) return reason;
  }
  return "no reason given";
}
