// Formats of the identifiers of runs, flows and steps.

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
/** Crockford base32 in upper case; 26 digits hold 130 bits, of which the first two must be zero (ULID specification). */
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

export function isUuidV4(text: string): boolean {
  return UUID_V4.test(text);
}

/** Whether the text can be a run_id, flow_id or step_id: UUIDv4 in any case, or ULID (seed 004, 3.1). */
export function validateUuidOrUlid(text: string): boolean {
  return isUuidV4(text) || ULID.test(text);
}
