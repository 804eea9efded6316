// Cuts a stream of text into lines, however the network cut it into chunks.

/** An event of an object as large as etcd allows (1.5 MB), escaped twice. */
export const MAX_LINE_LENGTH = 8_388_608;

export class LineSplitter {
  private pieces: string[] = [];
  private length = 0;

  /** The lines that `chunk` completes, without empty ones. Throws when a line is longer than 8 Mi characters. */
  push(chunk: string): readonly string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf("\n"); end !== -1; end = chunk.indexOf("\n", start)) {
      this.keep(chunk.slice(start, end));
      const line = this.pieces.length === 1 ? (this.pieces[0] ?? "") : this.pieces.join("");
      if (line.trim() !== "") lines.push(line);
      this.pieces = [];
      this.length = 0;
      start = end + 1;
    }
    if (start < chunk.length) this.keep(chunk.slice(start));
    return lines;
  }

  /** Whether a line has begun that is not complete. */
  get unfinished(): boolean {
    return this.length > 0;
  }

  private keep(piece: string): void {
    this.length += piece.length;
    if (this.length > MAX_LINE_LENGTH) throw new Error(`a line is longer than ${MAX_LINE_LENGTH} characters`);
    this.pieces.push(piece);
  }
}
