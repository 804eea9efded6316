// `metav1.MicroTime`: the API server wants six digits after the second and refuses the three that JavaScript prints.

/** RFC 3339 in UTC with microseconds, of milliseconds since the Unix epoch. */
export function formatMicroTime(ms: number): string {
  return new Date(ms).toISOString().replace(/Z$/, "000Z");
}
