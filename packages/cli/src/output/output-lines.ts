import { sanitizeLine } from './sanitize.ts';

/** Longer lines are given out in pieces, so that a program without line ends costs no memory. UTF-16 units. */
const LONGEST = 8192;

/** Turns the chunks of one stream into clean lines: UTF-8 across chunks, lines across chunks, nothing a terminal obeys. */
export class OutputLines {
  readonly #decoder = new TextDecoder('utf-8');
  #pending = '';

  /** The lines that `chunk` completes. */
  push(chunk: Uint8Array): string[] {
    return this.#take(this.#decoder.decode(chunk, { stream: true }));
  }

  /** What is left when the stream has ended. */
  flush(): string[] {
    const lines = this.#take(this.#decoder.decode());
    if (this.#pending !== '') lines.push(sanitizeLine(this.#pending));
    this.#pending = '';
    return lines;
  }

  /** The unfinished line as it looks now: a prompt, a progress bar. */
  get current(): string {
    return sanitizeLine(this.#pending);
  }

  #take(text: string): string[] {
    const parts = (this.#pending + text).split('\n');
    let rest = parts.pop() ?? '';
    const lines = parts.flatMap((part) => pieces(part).map(sanitizeLine));
    if (rest.length > LONGEST) {
      const cut = pieces(rest);
      rest = cut.pop() ?? '';
      lines.push(...cut.map(sanitizeLine));
    }
    this.#pending = rest;
    return lines;
  }
}

/** `text` in pieces of at most LONGEST; never between the halves of a surrogate pair. */
function pieces(text: string): string[] {
  const out: string[] = [];
  let start = 0;
  while (text.length - start > LONGEST) {
    const end = start + LONGEST;
    const splits = /[\ud800-\udbff]/.test(text.charAt(end - 1)) ? end - 1 : end;
    out.push(text.slice(start, splits));
    start = splits;
  }
  out.push(text.slice(start));
  return out;
}
