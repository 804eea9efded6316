// Where the lines of child processes go: into a bounded file, or through to standard error.
import { createWriteStream, mkdirSync, renameSync, statSync, type WriteStream } from "node:fs";
import { dirname } from "node:path";
import { reasonOf } from "../../../runtime/errors.ts";
import type { Logger } from "../../../runtime/log.ts";

export interface LogFile {
  write(line: string): void;
  close(): Promise<void>;
}

/** Past this size a file is set aside as `<name>.1`, in place of the one before. */
export const MAX_LOG_FILE_BYTES = 16 * 1024 * 1024;
/** Lines that may wait for a slow disk; what is more is counted instead of kept. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** Lines to standard error, as they are. */
export const standardError: LogFile = {
  write: (line) => void process.stderr.write(`${line}\n`),
  close: async () => undefined,
};

/** Appends to `path`, made when it does not exist. A disk that is full costs lines, never the process. */
export function openLogFile(path: string, log: Logger): LogFile {
  mkdirSync(dirname(path), { recursive: true });
  let stream = openStream(path, log);
  let size = sizeOf(path);
  let dropped = 0;
  return {
    write: (line) => {
      if (stream.writableLength > MAX_WAITING_BYTES || stream.destroyed) {
        dropped++;
        return;
      }
      const text = dropped > 0 ? `(${dropped} lines dropped)\n${line}\n` : `${line}\n`;
      dropped = 0;
      size += Buffer.byteLength(text);
      stream.write(text);
      if (size <= MAX_LOG_FILE_BYTES) return;
      stream.end();
      stream = openStream(path, log, setAside(path, log) ? "a" : "w");
      size = 0;
    },
    close: () => new Promise((resolve) => (stream.destroyed ? resolve() : stream.end(() => resolve()))),
  };
}

/** A file that cannot be set aside is begun anew: its bound holds all the same, and the process that writes lives on. */
function setAside(path: string, log: Logger): boolean {
  try {
    renameSync(path, `${path}.1`);
    return true;
  } catch (error) {
    log.warn("log file not set aside", { path, reason: reasonOf(error) });
    return false;
  }
}

function openStream(path: string, log: Logger, flags: "a" | "w" = "a"): WriteStream {
  const stream = createWriteStream(path, { flags, mode: 0o600 });
  stream.on("error", (error) => log.warn("log file not writable", { path, reason: reasonOf(error) }));
  return stream;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
