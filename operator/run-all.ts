// Many small pieces of work that wait for a server: some at once, all to the end.

/** Runs all, `limit` at once; then throws the first failure, if there was one. */
export async function runAll(tasks: Iterable<() => Promise<void>>, limit: number): Promise<void> {
  const failures: unknown[] = [];
  const rest = tasks[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let { done, value } = rest.next(); done !== true; { done, value } = rest.next()) {
      await value().catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (failures.length > 0) throw failures[0];
}
