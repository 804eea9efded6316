// `beamline version`: which Beamline, which Node, and which NATS it is made for.
import { formatVersion, MINIMUM_NATS_VERSION, TESTED_NATS_VERSION } from "../../runtime/nats/version.ts";
import type { Command } from "../command.ts";
import manifest from "../package.json" with { type: "json" };

export const versionCommand: Command = {
  name: "version",
  summary: "Show the versions of Beamline, of Node, and of the NATS servers it runs on",
  usage: "",
  options: {},
  examples: ["npx beamline version --output json"],
  run: async ({ terminal }) => {
    const versions = {
      beamline: manifest.version,
      node: process.versions.node,
      natsMinimum: formatVersion(MINIMUM_NATS_VERSION),
      natsTested: formatVersion(TESTED_NATS_VERSION),
    };
    if (terminal.format === "json") {
      terminal.printJson(versions);
      return 0;
    }
    terminal.print(`beamline ${versions.beamline}`);
    terminal.print(`node ${versions.node}`);
    terminal.print(`nats-server ${versions.natsMinimum} or newer, tested with ${versions.natsTested}`);
    return 0;
  },
};
