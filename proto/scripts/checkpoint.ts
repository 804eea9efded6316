// The version gate: which fields may stand at which checkpoint, as a pure check of descriptors.

import type { FileRegistry } from "@bufbuild/protobuf";

/**
 * The highest field number of the first checkpoint, for each message that later checkpoints extended.
 * Every field above it belongs to CP2. Numbers: the contract of the first checkpoint (docs/CP1_BASELINE.md).
 */
const lastCheckpoint1Field: Readonly<Record<string, number>> = {
  "beamline.flow.v1.Message": 7,
  "beamline.flow.v1.RouteRequest": 3,
  "beamline.worker.v1.ExecAssignmentAck": 7,
  "beamline.worker.v1.ExecResult": 12,
};

/** Messages that came whole with CP2. */
const checkpoint2Messages: readonly string[] = ["beamline.worker.v1.ExecAssignment"];

const checkpointPattern = /^CP([1-9])(-LC)?$/;
/** The first checkpoint at which the fields above may stand. */
const requiredCheckpoint = 2;

/** What proto/checkpoint.json says. */
export interface Checkpoint {
  readonly currentCp: string;
  /** Whether fields of CP2 may stand and be used. */
  readonly cp2PlusAllowed: boolean;
}

/** Reads the text of proto/checkpoint.json, `{"current_cp": "CP2-LC"}`; throws an Error that names what is wrong. */
export function parseCheckpoint(text: string): Checkpoint {
  const value: unknown = JSON.parse(text);
  const currentCp = typeof value === "object" && value !== null && "current_cp" in value ? value.current_cp : undefined;
  const match = typeof currentCp === "string" ? checkpointPattern.exec(currentCp) : null;
  if (match === null) {
    throw new Error(`checkpoint.json: current_cp is ${JSON.stringify(currentCp)}; it must be like "CP1" or "CP2-LC"`);
  }
  return { currentCp: match[0], cp2PlusAllowed: Number(match[1]) >= requiredCheckpoint };
}

/** One line for each field or message that stands although the checkpoint does not allow it yet. */
export function checkCheckpoint(registry: FileRegistry, checkpoint: Checkpoint): string[] {
  const standing = [...checkpoint2Messages.filter((name) => registry.getMessage(name) !== undefined)];
  for (const [name, last] of Object.entries(lastCheckpoint1Field)) {
    const message = registry.getMessage(name);
    if (message === undefined) return [`${name} is missing from the .proto files`];
    const later = message.fields.filter((field) => field.number > last);
    standing.push(...later.map((field) => `${name}.${field.name} = ${field.number}`));
  }
  if (checkpoint.cp2PlusAllowed) return [];
  return standing.map((what) => `${what} needs checkpoint CP2-LC, but checkpoint.json says ${checkpoint.currentCp}`);
}
