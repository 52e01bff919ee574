import { closeSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Container } from '../container-state/container.ts';

/** One line of a container's output. */
export interface LogEntry {
  readonly log: string;
  readonly stream: 'stdout' | 'stderr';
  /** RFC 3339 with nanoseconds. */
  readonly time: string;
}

/** Which part of a log to read. */
export interface LogRange {
  /** Only so many of the last lines. */
  readonly tail?: number | undefined;
  /** Milliseconds since 1970. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Go on until the container has ended. */
  readonly follow: boolean;
}

/** How often a log is looked at, milliseconds. */
const INTERVAL = 100;

/** Reads what a container wrote, oldest first. */
export async function* readLog(container: Container, range: LogRange, signal: AbortSignal): AsyncGenerator<LogEntry> {
  const reader = LogReader.open(container.logPath);
  if (reader === undefined && !range.follow) return;
  const { since = 0, until = Number.POSITIVE_INFINITY } = range;
  const wanted = ({ time }: LogEntry): boolean => Date.parse(time) >= since && Date.parse(time) <= until;
  const before = (reader?.entries() ?? []).filter(wanted);
  yield* range.tail === undefined ? before : before.slice(Math.max(0, before.length - range.tail));
  let current = reader;
  try {
    while (range.follow && !signal.aborted) {
      // Asked first: what it wrote before it ended is there when it has ended.
      const running = container.isRunning;
      current ??= LogReader.open(container.logPath);
      yield* (current?.entries() ?? []).filter(wanted);
      if (!running) return;
      await sleep(INTERVAL, undefined, { signal }).catch(() => {});
    }
  } finally {
    current?.close();
  }
}

/** Reads whole lines of a growing file. */
class LogReader {
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(256 * 1024);
  #rest = Buffer.alloc(0);

  private constructor(fd: number) {
    this.#fd = fd;
  }

  static open(path: string): LogReader | undefined {
    try {
      return new LogReader(openSync(path, 'r'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** All that came since the last call. */
  entries(): LogEntry[] {
    const found: LogEntry[] = [];
    for (let count = this.#read(); count > 0; count = this.#read()) {
      const bytes = Buffer.concat([this.#rest, this.#buffer.subarray(0, count)]);
      const end = bytes.lastIndexOf(10) + 1;
      this.#rest = Buffer.from(bytes.subarray(end));
      for (const line of bytes.toString('utf8', 0, end).split('\n')) {
        const entry = parse(line);
        if (entry !== undefined) found.push(entry);
      }
    }
    return found;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #read(): number {
    return readSync(this.#fd, this.#buffer, 0, this.#buffer.length, null);
  }
}

/** A line that a full disk cut off is no entry. */
function parse(line: string): LogEntry | undefined {
  try {
    return line === '' ? undefined : (JSON.parse(line) as LogEntry);
  } catch {
    return undefined;
  }
}
