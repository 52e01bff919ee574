import type { ByteString } from '@tsbuild/oci';

/** A pattern breaks the rules of Go's `filepath.Match` (the error there is `syntax error in pattern`). */
export class PatternSyntaxError extends Error {
  constructor(message = 'syntax error in pattern') {
    super(message);
    this.name = 'PatternSyntaxError';
  }
}

/** `[a-z]` or `[^a-z]`: pairs of first and last character. */
interface CharacterClass {
  readonly negated: boolean;
  readonly ranges: readonly (readonly [first: number, last: number])[];
}

/** A number is that very character. */
type Token = 'star' | 'any' | CharacterClass | number;

/** A compiled pattern for one name, that is, for what stands between two slashes. */
export type NamePattern =
  | { readonly kind: 'literal'; readonly text: ByteString }
  /** One `*` and nothing else special, by far the most frequent pattern: answered by comparing both ends. */
  | { readonly kind: 'affix'; readonly prefix: ByteString; readonly suffix: ByteString }
  | { readonly kind: 'tokens'; readonly tokens: readonly Token[] };

/**
 * Compiles a pattern without slashes: `*`, `?`, `[a-z]`, `[^a-z]`, `\x`. `?` and classes stand for one UTF-8 character,
 * or for one byte where the name is not valid UTF-8.
 * @throws PatternSyntaxError
 */
export function compileName(pattern: ByteString): NamePattern {
  const plain = /^([^*?[\\]*)(?:\*+([^*?[\\]*))?$/s.exec(pattern);
  if (plain !== null) {
    const [, prefix = '', suffix] = plain;
    return suffix === undefined ? { kind: 'literal', text: prefix } : { kind: 'affix', prefix, suffix };
  }
  if (/^(?:[^*?[\\]|\\.)*$/s.test(pattern)) return { kind: 'literal', text: pattern.replace(/\\(.)/gs, '$1') };
  return { kind: 'tokens', tokens: tokensOf(charactersOf(pattern)) };
}

/** Whether the whole name matches. */
export function matchesName(pattern: NamePattern, name: ByteString): boolean {
  switch (pattern.kind) {
    case 'literal':
      return name === pattern.text;
    case 'affix':
      return (
        name.length >= pattern.prefix.length + pattern.suffix.length &&
        name.startsWith(pattern.prefix) &&
        name.endsWith(pattern.suffix)
      );
    case 'tokens':
      return matchesTokens(pattern.tokens, charactersOf(name));
  }
}

/**
 * Only the last star seen ever has to take more: whatever an earlier one could take, the later one can take as well.
 * So this needs no recursion, and time is at most the product of both lengths.
 */
function matchesTokens(tokens: readonly Token[], name: readonly number[]): boolean {
  let at = 0;
  let token = 0;
  let afterStar = -1;
  let starAt = 0;
  while (at < name.length) {
    const wanted = tokens[token];
    if (wanted === 'star') {
      afterStar = ++token;
      starAt = at;
    } else if (wanted !== undefined && matchesCharacter(wanted, name[at] ?? 0)) {
      token++;
      at++;
    } else if (afterStar >= 0) {
      token = afterStar;
      at = ++starAt;
    } else {
      return false;
    }
  }
  while (tokens[token] === 'star') token++;
  return token === tokens.length;
}

function matchesCharacter(wanted: Token, character: number): boolean {
  if (typeof wanted === 'number') return wanted === character;
  if (wanted === 'any' || wanted === 'star') return true;
  return wanted.ranges.some(([first, last]) => first <= character && character <= last) !== wanted.negated;
}

function tokensOf(pattern: readonly number[]): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] ?? 0;
    if (character === STAR) {
      if (tokens.at(-1) !== 'star') tokens.push('star');
    } else if (character === QUESTION) {
      tokens.push('any');
    } else if (character === BACKSLASH) {
      const escaped = pattern[++at];
      if (escaped === undefined) throw new PatternSyntaxError();
      tokens.push(escaped);
    } else if (character === OPEN) {
      const [parsed, end] = classAt(pattern, at + 1);
      tokens.push(parsed);
      at = end;
    } else {
      tokens.push(character);
    }
  }
  return tokens;
}

/** Reads a class from behind its `[`; returns it and the index of its `]`. */
function classAt(pattern: readonly number[], start: number): [CharacterClass, number] {
  let at = start;
  const negated = pattern[at] === CARET;
  if (negated) at++;
  const ranges: [number, number][] = [];
  while (ranges.length === 0 || pattern[at] !== CLOSE) {
    const first = edgeAt(pattern, at);
    let last = first;
    if (pattern[first.next] === DASH) last = edgeAt(pattern, first.next + 1);
    // Go never matches a reversed range and moby fails on it later: a mistake either way, so it is told at once.
    if (last.character < first.character) throw new PatternSyntaxError();
    ranges.push([first.character, last.character]);
    at = last.next;
  }
  return [{ negated, ranges }, at];
}

/** One edge of a range. A bare `-` or `]` cannot be one, nor a byte that is not UTF-8, nor the pattern's last character. */
function edgeAt(pattern: readonly number[], start: number): { readonly character: number; readonly next: number } {
  let at = start;
  if (pattern[at] === DASH || pattern[at] === CLOSE) throw new PatternSyntaxError();
  if (pattern[at] === BACKSLASH) at++;
  const character = pattern[at];
  if (character === undefined || character >= NOT_UTF8 || at + 1 >= pattern.length) throw new PatternSyntaxError();
  return { character, next: at + 1 };
}

const STAR = 0x2a;
const QUESTION = 0x3f;
const BACKSLASH = 0x5c;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const CARET = 0x5e;
const DASH = 0x2d;

/** Bytes that belong to no UTF-8 character are numbered from here, behind all of Unicode. */
const NOT_UTF8 = 0x110000;

/** The characters of a byte string: code points where it is valid UTF-8, else single bytes (see {@link NOT_UTF8}). */
function charactersOf(bytes: ByteString): number[] {
  const out: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes.charCodeAt(at);
    const length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    const character = length === 1 ? lead : decodeSequence(bytes, at, length);
    out.push(character ?? NOT_UTF8 + lead);
    at += character === undefined ? 1 : length;
  }
  return out;
}

function decodeSequence(bytes: ByteString, at: number, length: number): number | undefined {
  if (length === 0 || at + length > bytes.length) return undefined;
  let character = bytes.charCodeAt(at) & (0x7f >> length);
  for (let i = 1; i < length; i++) {
    const byte = bytes.charCodeAt(at + i);
    if (byte < 0x80 || byte > 0xbf) return undefined;
    character = (character << 6) | (byte & 0x3f);
  }
  const surrogate = character >= 0xd800 && character <= 0xdfff;
  const overlong = (length === 3 && character < 0x800) || (length === 4 && character < 0x10000);
  return surrogate || overlong || character > 0x10ffff ? undefined : character;
}
