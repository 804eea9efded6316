// Subjects of pipelines: where a source publishes, where consumers take from, and the mark that a message is done.
import type { Names } from "./subjects.ts";

/** Which Pipeline object. */
export interface PipelineKey {
  readonly namespace: string;
  readonly name: string;
}

/** `….in.<namespace>.<name>`: what a source publishes to. */
export const PIPELINE_INPUT_PREFIX = "beamline.pipeline.v1.in.";
/** `….out.<effect id>.<position>.<namespace>.<name>.<consumer>`: one message for one consumer. */
export const PIPELINE_OUTPUT_PREFIX = "beamline.pipeline.v1.out.";
/** `….done.<effect id>`: all outputs of one message are stored. */
export const PIPELINE_DONE_PREFIX = "beamline.pipeline.v1.done.";

const LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;

export function pipelineInputSubject({ namespace, name }: PipelineKey): string {
  return `${PIPELINE_INPUT_PREFIX}${namespace}.${name}`;
}

/** Reads an input subject; undefined when it is none. */
export function parsePipelineInput(subject: string): PipelineKey | undefined {
  if (!subject.startsWith(PIPELINE_INPUT_PREFIX)) return undefined;
  const [namespace = "", name = "", more] = subject.slice(PIPELINE_INPUT_PREFIX.length).split(".");
  return LABEL.test(namespace) && LABEL.test(name) && more === undefined ? { namespace, name } : undefined;
}

export function pipelineOutputSubject(
  { namespace, name }: PipelineKey,
  consumer: string,
  { effectId, position }: { readonly effectId: string; readonly position: number },
): string {
  return `${PIPELINE_OUTPUT_PREFIX}${effectId}.${position}.${namespace}.${name}.${consumer}`;
}

/** What a consumer's durable filters. */
export function pipelineOutputFilter({ namespace, name }: PipelineKey, consumer: string): string {
  return `${PIPELINE_OUTPUT_PREFIX}*.*.${namespace}.${name}.${consumer}`;
}

export function pipelineDoneSubject(effectId: string): string {
  return PIPELINE_DONE_PREFIX + effectId;
}

/** As they stand on the wire. */
export function pipelinePatterns({ toWire }: Names): {
  readonly input: string;
  readonly output: string;
  readonly done: string;
} {
  return {
    input: toWire(`${PIPELINE_INPUT_PREFIX}*.*`),
    output: toWire(`${PIPELINE_OUTPUT_PREFIX}>`),
    done: toWire(`${PIPELINE_DONE_PREFIX}*`),
  };
}
