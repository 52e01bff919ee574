import type { Random } from '../random.ts';
import type { Mutator } from '../target.ts';

/** Bytes at which formats change their mind. */
const EDGES = [0, 1, 9, 10, 13, 32, 34, 39, 47, 48, 55, 57, 61, 92, 127, 128, 192, 255];

type Step = (input: Uint8Array, random: Random, corpus: readonly Uint8Array[]) => Uint8Array;

const STEPS: readonly Step[] = [flip, edge, insert, remove, repeat, move, splice, cut];

/** Blind changes: bits, bytes, pieces put in, left out, repeated, moved, taken from other inputs. */
export const mutateBytes: Mutator = (input, random, corpus) => {
  let out = input;
  for (let left = 1 + random.below(4); left > 0; left--) out = random.pick(STEPS)(out, random, corpus);
  return out;
};

/** `input` with `piece` in place of the bytes from `start` to `end`. */
export function replaced(input: Uint8Array, start: number, end: number, piece: Uint8Array): Uint8Array {
  return Buffer.concat([input.subarray(0, start), piece, input.subarray(end)]);
}

function flip(input: Uint8Array, random: Random): Uint8Array {
  const out = Uint8Array.from(input);
  const at = random.below(out.length);
  if (at < out.length) out[at] = (out[at] ?? 0) ^ (1 << random.below(8));
  return out;
}

function edge(input: Uint8Array, random: Random): Uint8Array {
  const out = Uint8Array.from(input);
  const at = random.below(out.length);
  if (at < out.length) out[at] = random.oneIn(3) ? random.below(256) : random.pick(EDGES);
  return out;
}

function insert(input: Uint8Array, random: Random): Uint8Array {
  const at = random.below(input.length + 1);
  const piece = Uint8Array.from({ length: 1 + random.below(8) }, () =>
    random.oneIn(2) ? random.pick(EDGES) : random.below(256),
  );
  return replaced(input, at, at, piece);
}

function remove(input: Uint8Array, random: Random): Uint8Array {
  const { start, end } = random.piece(input.length);
  return replaced(input, start, end, new Uint8Array());
}

/** Now and then very often: what is not linear in its input shows. */
function repeat(input: Uint8Array, random: Random): Uint8Array {
  const { start, end } = random.piece(input.length);
  const piece = input.subarray(start, end);
  const size = random.oneIn(40) ? 60_000 : random.oneIn(4) ? 600 : 40;
  const times = Math.max(1, Math.floor(random.below(size) / Math.max(1, piece.length)));
  return replaced(input, end, end, Buffer.concat(Array.from({ length: times }, () => piece)));
}

function move(input: Uint8Array, random: Random): Uint8Array {
  const { start, end } = random.piece(input.length);
  const at = random.below(input.length + 1);
  return replaced(input, at, at, Uint8Array.from(input.subarray(start, end)));
}

function splice(input: Uint8Array, random: Random, corpus: readonly Uint8Array[]): Uint8Array {
  const other = random.pick(corpus);
  const piece = random.piece(other.length);
  const place = random.piece(input.length);
  return replaced(input, place.start, place.end, other.subarray(piece.start, piece.end));
}

function cut(input: Uint8Array, random: Random): Uint8Array {
  return random.oneIn(3) ? input.subarray(0, random.below(input.length + 1)) : remove(input, random);
}
