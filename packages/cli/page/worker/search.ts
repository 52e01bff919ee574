import { nameOf, pathOf, type Tree } from './tree.ts';

/** Which nodes a search finds: 1 for each. */
export type Matches = Uint8Array;

/** Finds names and paths. One large text of all names is searched, which takes milliseconds for half a million. */
export class Search {
  readonly #tree: Tree;
  /** All names in small letters, each ended by a zero. */
  readonly #text: string;

  constructor(tree: Tree) {
    this.#tree = tree;
    const small = tree.names.map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte));
    // Neither decoder nor letters of other alphabets: each byte is one character.
    const pieces: string[] = [];
    for (let at = 0; at < small.length; at += 8192) pieces.push(String.fromCharCode(...small.subarray(at, at + 8192)));
    this.#text = pieces.join('');
  }

  /** @throws SyntaxError for a regular expression that is none */
  find(query: string): Matches {
    const text = query.trim();
    const pattern = /^\/(.+)\/(i?)$/.exec(text);
    if (pattern !== null) return this.#test(new RegExp(bytesOf(pattern[1] ?? ''), pattern[2] ?? ''));
    if (/[*?]/.test(text)) return this.#test(globOf(text), !text.includes('/'));
    return this.#contain(bytesOf(text).replace(/[A-Z]/g, (letter) => letter.toLowerCase()));
  }

  #test(expression: RegExp, namesOnly = false): Matches {
    const found = new Uint8Array(this.#tree.count);
    for (let node = 1; node < found.length; node++) {
      const text = namesOnly ? nameOf(this.#tree, node) : `/${pathOf(this.#tree, node)}`;
      if (expression.test(text)) found[node] = 1;
    }
    return found;
  }

  /** The last component must begin a name, those before it must end the path above: few paths are ever put together. */
  #contain(query: string): Matches {
    const { count, nameStart } = this.#tree;
    const found = new Uint8Array(count);
    const slash = query.lastIndexOf('/');
    const needle = slash < 0 ? query : `\0${query.slice(slash + 1)}`;
    if (needle === '') return found;
    const whole = slash >= 0 ? query : '';
    for (let at = this.#text.indexOf(needle); at >= 0; ) {
      const node = this.#nodeOf(slash < 0 ? at : at + 1);
      if (node > 0 && (slash < 0 || `/${pathOf(this.#tree, node)}`.toLowerCase().includes(whole))) found[node] = 1;
      at = this.#text.indexOf(needle, Math.max(at + 1, (nameStart[node + 1] ?? 0) - 1));
    }
    return found;
  }

  #nodeOf(at: number): number {
    const { nameStart, count } = this.#tree;
    let [low, high] = [0, count];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((nameStart[middle] ?? 0) <= at) low = middle;
      else high = middle;
    }
    return low;
  }
}

/** A typed word as the byte string that a file would be called. */
function bytesOf(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

/** `*` is everything but slashes, `**` slashes too, `?` one character. */
function globOf(glob: string): RegExp {
  const source = bytesOf(glob)
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*\*\/?|\*|\?/g, (found) => (found.startsWith('**') ? '.*' : found === '*' ? '[^/]*' : '[^/]'));
  const start = glob.startsWith('/') || !glob.includes('/') ? '^' : '(?:^|/)';
  return new RegExp(`${start}${source}$`, 'is');
}
