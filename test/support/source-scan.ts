// Reads TypeScript just far enough to tell code from comments and strings, and to list what a file imports.

/** The same text with comments, and for `code` also the contents of strings, replaced by spaces; line breaks stay. */
export interface ScannedSource {
  readonly code: string;
  readonly withStrings: string;
}

type State = "code" | "line-comment" | "block-comment" | "'" | '"' | "`" | "regex";

/** A slash after one of these begins a regular expression; after anything else it divides. */
const BEFORE_REGEX = /(?:^|[([{=,;:!&|?+\-*%~^<>]|\b(?:return|typeof|case|in|of|else))\s*$/;
const LOOK_BACK_CHARACTERS = 32;
const IMPORT =
  /(?:^|[;\s])(?:import|export)\s+(?:[\w$*{},\s]+?\s+from\s+)?(["'])([^"'\n]+)\1|\bimport\(\s*(["'])([^"'\n]+)\3/g;
/** A file that is started or preloaded by its address is imported too. */
const IMPORT_BY_ADDRESS = /\bnew URL\(\s*(["'])(\.[^"'\n]+\.ts)\1,\s*import\.meta\.url/g;

class SourceScanner {
  code = "";
  withStrings = "";
  private state: State = "code";
  private inCharacterClass = false;
  private braces = 0;
  /** Depth of braces at which the expression of each open template ends. */
  private readonly templates: number[] = [];

  /** Reads one or two characters at `index`, and returns how many. */
  step(text: string, index: number): number {
    const pair = text.slice(index, index + 2);
    if (this.state === "code") return this.readCode(pair);
    if (this.state === "line-comment" || this.state === "block-comment") return this.readComment(pair);
    return this.readLiteral(pair);
  }

  private readCode(pair: string): number {
    const character = pair.charAt(0);
    if (pair === "//" || pair === "/*") {
      this.state = pair === "//" ? "line-comment" : "block-comment";
      return this.keep(pair, "comment");
    }
    if (character === "'" || character === '"' || character === "`") this.state = character;
    else if (character === "/" && BEFORE_REGEX.test(this.code.slice(-LOOK_BACK_CHARACTERS))) this.state = "regex";
    else if (character === "{") this.braces++;
    else if (character === "}") {
      if (this.templates.at(-1) === this.braces) {
        this.templates.pop();
        this.state = "`";
      }
      this.braces--;
    }
    return this.keep(character, "code");
  }

  private readComment(pair: string): number {
    if (this.state === "line-comment" && pair.startsWith("\n")) this.state = "code";
    if (this.state !== "block-comment" || pair !== "*/") return this.keep(pair.charAt(0), "comment");
    this.state = "code";
    return this.keep(pair, "comment");
  }

  private readLiteral(pair: string): number {
    const character = pair.charAt(0);
    if (character === "\\") return this.keep(pair, "string");
    if (this.state === "`" && pair === "${") {
      this.braces++;
      this.templates.push(this.braces);
      this.state = "code";
      return this.keep(pair, "code");
    }
    if (this.state === "regex" && (character === "[" || character === "]")) this.inCharacterClass = character === "[";
    const ends = this.state === "regex" ? character === "/" && !this.inCharacterClass : character === this.state;
    if (ends) this.state = "code";
    return this.keep(character, ends ? "code" : "string");
  }

  private keep(characters: string, as: "code" | "string" | "comment"): number {
    const blank = characters.replaceAll(/[^\n]/g, " ");
    this.code += as === "code" ? characters : blank;
    this.withStrings += as === "comment" ? blank : characters;
    return characters.length;
  }
}

/** Blanks out comments and strings. Template literals are strings, the expressions inside them are code. */
export function scanSource(text: string): ScannedSource {
  const scanner = new SourceScanner();
  for (let index = 0; index < text.length; ) index += scanner.step(text, index);
  return { code: scanner.code, withStrings: scanner.withStrings };
}

/** The module specifiers that a scanned source imports or re-exports, type imports included. */
export function listImports(source: ScannedSource): string[] {
  const imports = [...source.withStrings.matchAll(IMPORT)].map((match) => match[2] ?? match[4] ?? "");
  return [...imports, ...[...source.withStrings.matchAll(IMPORT_BY_ADDRESS)].map((match) => match[2] ?? "")];
}
