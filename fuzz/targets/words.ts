import { parseDuration } from '../../packages/builder/src/dockerfile/duration.ts';
import { findHeredocWords, splitHeredocWords } from '../../packages/builder/src/dockerfile/heredoc.ts';
import { parseJsonForm } from '../../packages/builder/src/dockerfile/json-form.ts';
import { parsePorts } from '../../packages/builder/src/dockerfile/ports.ts';
import { splitRawWords } from '../../packages/builder/src/dockerfile/raw-words.ts';
import { expandHeredoc, expandWord, expandWords } from '../../packages/builder/src/dockerfile/words.ts';
import { BuildError } from '../../packages/builder/src/diagnostics/build-error.ts';
import { mutateText } from '../mutate/text.ts';
import { wordSeeds } from '../seeds/words.ts';
import { isRefusal, mustHold, pureTarget } from '../target.ts';

const VARIABLES: Readonly<Record<string, string>> = {
  A: 'some/path.tar.gz',
  B: '',
  C: 'two  words "quoted"',
  L: 'a'.repeat(3000),
  PATH: '/bin:/usr/bin',
  É: 'é€😀',
};
const lookup = (name: string): string | undefined => (Object.hasOwn(VARIABLES, name) ? VARIABLES[name] : undefined);

const WORDS = [
  ['$', '${', '}', '${A', '${L', ':-', ':+', ':?', '-', '+', '?', '#', '##', '%', '%%', '/', '//', '*', '\\', '`'],
  [
    '"',
    "'",
    '$A',
    '${A}',
    '${L//',
    '${L//?/',
    '${L#*',
    ' ',
    '\t',
    '$$',
    '$1',
    '$@',
    '<<',
    '<<-',
    'EOF',
    '😀',
    '\u0000',
  ],
].flat();

/** The sum of what all parsers of single words give. */
export const words = pureTarget('words', {
  seeds: wordSeeds,
  mutate: mutateText(WORDS),
  run: (input) => {
    const text = Buffer.from(input).toString('utf8');
    const results = [
      () => {
        const expanded = expandWord(text, lookup, { escape: '\\' });
        mustHold(expanded.length < 20_000_000, `a word has grown to ${expanded.length} characters`);
        return 'a';
      },
      () => `${expandWords(text, lookup, { escape: '`' }).length > 1}`,
      () => `${expandHeredoc(text, lookup).length > 0}`,
      () => `${splitRawWords(text, '\\').length > 1}`,
      () => `${splitHeredocWords(text).length > 1} ${findHeredocWords(text).length}`,
      () => `${parseJsonForm(text)?.length ?? 'none'}`,
    ].map(attempt);
    return results.join(' ');
  },
});

function attempt(parse: () => string): string {
  try {
    return parse();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return error.code;
  }
}

/** Durations and ports. */
export const values = pureTarget('durations-and-ports', {
  seeds: () => [
    ...wordSeeds().slice(-4),
    Buffer.from('1.000000000000000000001h2m3.5s'),
    Buffer.from('9223372036s 1ns'),
    Buffer.from('0-65535 0-65535/udp 1-2:3-4 [::1]:1:2'),
    Buffer.from('0-65535 '.repeat(6000)),
  ],
  mutate: mutateText([
    '1',
    '0',
    '.',
    'h',
    'ms',
    'µs',
    '-',
    '+',
    ' ',
    ':',
    '/',
    'tcp',
    'udp',
    '65535',
    '0-65535',
    '[::]',
  ]),
  run: (input) => {
    const text = Buffer.from(input).toString('utf8');
    const duration = attempt(() => `${Number.isSafeInteger(parseDuration(text))}`);
    try {
      const ports = parsePorts(text.split(' '));
      mustHold(ports.length <= 3 * 65_536, 'more ports than there are');
      return `${duration} ${ports.length > 1}`;
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      return `${duration} ${error.message.split(':')[0]}`;
    }
  },
});
