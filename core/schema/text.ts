// What makes text of JavaScript text of protobuf: every surrogate has its other half, so that it has a UTF-8 form.

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Whether the text can be written as UTF-8 without loss. */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}
