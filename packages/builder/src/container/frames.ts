import type { Socket } from 'node:net';

/**
 * What goes over a monitor's socket: frames of one letter, four bytes of length (big endian), and content. `j` is a
 * message in JSON; `i` is input for a command; `o` and `e` are its stdout and stderr.
 */
export type FrameKind = 'j' | 'i' | 'o' | 'e';

const HEADER = 5;
/** More than anybody sends at once. */
const LIMIT = 64 * 1024 * 1024;

/** One end of the conversation. */
export class FrameChannel {
  readonly socket: Socket;
  #pending: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    // A peer that is gone shows in `close`; there is nobody left to tell.
    socket.on('error', () => {});
  }

  /** Calls `take` for every frame that arrives from now on. */
  listen(take: (kind: FrameKind, content: Buffer) => void): void {
    this.socket.on('data', (chunk: Buffer) => {
      this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
      for (;;) {
        if (this.#pending.length < HEADER) return;
        const end = HEADER + this.#pending.readUInt32BE(1);
        if (end > LIMIT) return void this.socket.destroy();
        if (this.#pending.length < end) return;
        const kind = String.fromCharCode(this.#pending[0] ?? 0) as FrameKind;
        const content = Buffer.from(this.#pending.subarray(HEADER, end));
        this.#pending = this.#pending.subarray(end);
        take(kind, content);
      }
    });
  }

  /** Sends a frame; settles when there is room for more, or nobody to send to. */
  send(kind: FrameKind, content: Uint8Array): Promise<void> | undefined {
    if (!this.socket.writable) return undefined;
    const header = Buffer.alloc(HEADER);
    header.write(kind, 0, 'latin1');
    header.writeUInt32BE(content.length, 1);
    if (this.socket.write(Buffer.concat([header, content]))) return undefined;
    return new Promise((resolve) => {
      const done = (): void => {
        this.socket.off('drain', done).off('close', done);
        resolve();
      };
      this.socket.on('drain', done).on('close', done);
    });
  }

  /** Sends a message. */
  say(message: unknown): void {
    void this.send('j', Buffer.from(JSON.stringify(message)));
  }
}

/** Reads a message. */
export function parseMessage<T>(content: Buffer): T {
  return JSON.parse(content.toString('utf8')) as T;
}
