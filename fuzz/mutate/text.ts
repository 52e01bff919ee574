import type { Random } from '../random.ts';
import type { Mutator } from '../target.ts';
import { mutateBytes, replaced } from './bytes.ts';

/** Changes to a text of lines in a language with these words; every third time blind ones. */
export function mutateText(words: readonly string[]): Mutator {
  return (input, random, corpus) => {
    if (random.oneIn(3)) return mutateBytes(input, random, corpus);
    let out = input;
    for (let left = 1 + random.below(4); left > 0; left--) {
      out = random.oneIn(2) ? withWord(out, random, words) : withLines(out, random, corpus);
    }
    return out;
  };
}

function withWord(input: Uint8Array, random: Random, words: readonly string[]): Uint8Array {
  const word = random.pick(words);
  const times = random.oneIn(200) ? 20_000 : random.oneIn(10) ? 50 : 1;
  const text = Buffer.from(word.repeat(Math.min(times, Math.ceil(80_000 / (word.length + 1)))), 'latin1');
  const { start, end } = random.piece(input.length);
  return replaced(input, start, random.oneIn(2) ? start : end, text);
}

function withLines(input: Uint8Array, random: Random, corpus: readonly Uint8Array[]): Uint8Array {
  const lines = linesOf(input);
  const others = random.oneIn(2) ? lines : linesOf(random.pick(corpus));
  const line = random.pick(others);
  const at = random.below(lines.length);
  switch (random.below(5)) {
    case 0:
      lines.splice(at, 1);
      break;
    case 1:
      lines.splice(at, 0, line);
      break;
    case 2:
      lines[at] = line;
      break;
    case 3:
      lines.splice(at, 0, ...Array.from({ length: random.oneIn(30) ? 3000 : 1 + random.below(10) }, () => line));
      break;
    default:
      lines[at] = `${lines[at] ?? ''}${random.pick(['\\', ' \\', ' ', '\r', '`'])}`;
  }
  return Buffer.from(lines.join('\n'), 'latin1');
}

function linesOf(bytes: Uint8Array): string[] {
  return Buffer.from(bytes).toString('latin1').split('\n');
}
