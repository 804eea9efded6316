#!/usr/bin/env node
// Entry point of the `beamline` command: checks that this Node can run the sources, then hands the arguments on.
// The imports come after the check, so that an unfit Node fails with a sentence and not with a syntax error.

const MINIMUM_NODE_MAJOR = 24;
const EXIT_CONFIG = 78;

const major = Number(process.versions.node.split(".")[0]);
if (major < MINIMUM_NODE_MAJOR) {
  process.stderr.write(
    `CONFIG_INVALID: Node ${process.versions.node} is too old: beamline needs Node ${MINIMUM_NODE_MAJOR} or newer\n` +
      "  Run it through npm in the project folder, where the right Node is installed: npx beamline …, or npm start\n",
  );
  process.exitCode = EXIT_CONFIG;
} else {
  const { runCommandLine } = await import("./command-line.ts");
  const exitCode = await runCommandLine(process.argv.slice(2), {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
  });
  // Sockets and timers of libraries must not keep a finished command alive.
  process.exit(exitCode);
}
