import { closeSync, openSync, writeSync } from 'node:fs';

/** A line longer than this is written in parts, as docker does. */
const LONGEST = 16 * 1024;

/** Writes a container's output as docker's `json-file` driver does: one JSON object a line, with stream and time. */
export class LogWriter {
  readonly #fd: number;
  readonly #rest = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };

  constructor(path: string) {
    this.#fd = openSync(path, 'a', 0o600);
  }

  write(stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    let rest = Buffer.concat([this.#rest[stream], chunk]);
    for (let end = lineEnd(rest); end > 0; end = lineEnd(rest)) {
      this.#line(stream, rest.subarray(0, end));
      rest = rest.subarray(end);
    }
    this.#rest[stream] = Buffer.from(rest);
  }

  close(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      if (this.#rest[stream].length > 0) this.#line(stream, this.#rest[stream]);
    }
    closeSync(this.#fd);
  }

  #line(stream: string, line: Buffer): void {
    const text = JSON.stringify({ log: line.toString('utf8'), stream, time: now() });
    try {
      writeSync(this.#fd, `${text}\n`);
    } catch {
      // A full disk: the container goes on without its log, as it does in docker.
    }
  }
}

function lineEnd(bytes: Buffer): number {
  const newline = bytes.indexOf(10);
  if (newline >= 0 && newline < LONGEST) return newline + 1;
  return bytes.length >= LONGEST ? LONGEST : 0;
}

/** RFC 3339 with nanoseconds, as far as the clock tells them. */
function now(): string {
  const milliseconds = performance.timeOrigin + performance.now();
  const nanoseconds = Math.floor((milliseconds % 1000) * 1e6);
  return `${new Date(milliseconds).toISOString().slice(0, 19)}.${String(nanoseconds).padStart(9, '0')}Z`;
}
