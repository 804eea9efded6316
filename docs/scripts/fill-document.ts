// Replaces what stands between the markers of a document.

export interface FilledDocument {
  readonly text: string;
  /** Names of the tables in the document. */
  readonly names: readonly string[];
  /** Unknown names and markers without an end, each as a sentence that begins with the path. */
  readonly problems: readonly string[];
}

const REGION = /^<!-- generated: ([\w-]+) -->\n([\s\S]*?)^<!-- (end of generated|generated: [\w-]+) -->$/gm;
const BEGIN = /^<!-- generated: [\w-]+ -->$/gm;

/** `<!-- generated: NAME -->` to `<!-- end of generated -->` holds the table of that name. */
export function fillDocument(text: string, tables: Readonly<Record<string, string>>, path: string): FilledDocument {
  const names: string[] = [];
  const problems: string[] = [];
  const filled = text.replaceAll(REGION, (whole: string, name: string, _old: string, end: string) => {
    if (end !== "end of generated") {
      problems.push(`${path}: "generated: ${name}" has no end`);
      return whole;
    }
    const content = tables[name];
    if (content === undefined) {
      problems.push(`${path}: no table is called "${name}"`);
      return whole;
    }
    names.push(name);
    return `<!-- generated: ${name} -->\n\n${content}\n\n<!-- end of generated -->`;
  });
  const begins = text.match(BEGIN)?.length ?? 0;
  if (problems.length === 0 && begins !== names.length) problems.push(`${path}: a "generated" marker has no end`);
  return { text: filled, names, problems };
}
