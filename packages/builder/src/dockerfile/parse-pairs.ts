import { parseFlags } from './flags.ts';
import type { ArgInstruction, EnvInstruction, KeyValue, LabelInstruction } from './instruction.ts';
import { splitFirst, splitRawWords } from './raw-words.ts';
import { baseOf, type Statement } from './statement.ts';

interface Pairs {
  readonly pairs: readonly KeyValue[];
  readonly legacy: boolean;
}

/** `ENV K=V …` or `ENV K rest of line`. */
export function parseEnv(statement: Statement): EnvInstruction {
  return { ...baseOf(statement), kind: 'env', ...parsePairs(statement, 'ENV') };
}

/** `LABEL K=V …` or `LABEL K rest of line`. */
export function parseLabel(statement: Statement): LabelInstruction {
  return { ...baseOf(statement), kind: 'label', ...parsePairs(statement, 'LABEL') };
}

/** `ARG name[=default] …`. */
export function parseArg(statement: Statement): ArgInstruction {
  parseFlags(statement, {});
  const words = splitRawWords(statement.rest, statement.escape);
  if (words.length === 0) throw statement.fail('ARG requires at least one argument');
  const args = words.map((word) => {
    const { key, value } = splitPair(word);
    if (key === '') throw statement.fail('ARG names can not be blank', word);
    return value === undefined ? { name: key } : { name: key, value };
  });
  return { ...baseOf(statement), kind: 'arg', args };
}

function parsePairs(statement: Statement, keyword: string): Pairs {
  parseFlags(statement, {});
  const words = splitRawWords(statement.rest, statement.escape);
  const [first] = words;
  if (first === undefined) throw statement.fail(`${keyword} requires at least one argument`);
  if (!first.includes('=')) return legacyPair(statement, keyword);
  const pairs = words.map((word) => {
    const { key, value } = splitPair(word);
    if (value === undefined) {
      const message = `Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`;
      throw statement.fail(message, word, 'A value with blanks needs quotes: name="a value".');
    }
    if (key === '') throw statement.fail(`${keyword} names can not be blank`, word);
    return { key, value };
  });
  return { pairs, legacy: false };
}

function legacyPair(statement: Statement, keyword: string): Pairs {
  const { first, rest } = splitFirst(statement.rest);
  if (rest === undefined) {
    throw statement.fail(`${keyword} must have two arguments`, undefined, `Write ${keyword} name=value.`);
  }
  return { pairs: [{ key: first, value: rest }], legacy: true };
}

function splitPair(word: string): { readonly key: string; readonly value: string | undefined } {
  const equals = word.indexOf('=');
  if (equals < 0) return { key: word, value: undefined };
  return { key: word.slice(0, equals), value: word.slice(equals + 1) };
}
