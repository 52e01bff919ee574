import { defineCommand } from '../../grammar/command.ts';
import { didYouMean } from '../../grammar/suggest.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { UsageError } from '../../host/usage-error.ts';
import { columns } from '../../output/columns.ts';
import { type ErrorEntry, errorCatalogue } from './catalogue.ts';

const WIDEST = 100;

/** `tsbuild explain`: what the code of an error means, why it happens and what to do, without a network. */
export const explainCommand = defineCommand({
  name: 'explain',
  synopsis: '[CODE]',
  summary: 'Explain an error by its code, or list all codes',
  options: {},
  operands: { min: 0, max: 1, what: 'one CODE' },
  examples: [
    ['tsbuild explain', 'Every code, and what it means'],
    ['tsbuild explain SANDBOX_UNAVAILABLE', 'Why it happens, and what to do'],
  ],
  async run({ operands: [word] }, host) {
    const entries = errorCatalogue();
    const width = Math.min(host.stdout.columns ?? WIDEST, WIDEST);
    host.stdout.write(
      word === undefined ? listOf(entries, host.stdout.columns) : explanation(find(entries, word), width),
    );
    return EXIT_OK;
  },
});

function find(entries: readonly ErrorEntry[], word: string): ErrorEntry {
  const code = word.toUpperCase().replaceAll('-', '_');
  const found = entries.find((entry) => entry.code === code);
  if (found !== undefined) return found;
  const near = didYouMean(
    word,
    entries.map((entry) => entry.code),
  );
  // `StageNameCasing` and its like are the names of checks.
  const isRule = /^[A-Z][a-z]+[A-Z]\w+$/.test(word);
  throw new UsageError(`there is no error code ${JSON.stringify(word)}`, {
    hint: isRule ? 'docs/checks.md explains the rules of checks' : (near ?? 'tsbuild explain lists all of them'),
    command: 'explain',
  });
}

function explanation({ code, section, meaning, why, todo }: ErrorEntry, width: number): string {
  const parts = [`${code} (${section})`, meaning, `Why: ${why}`, `What to do: ${todo}`];
  return `${parts.map((part) => wrapped(part, width)).join('\n\n')}\n`;
}

function listOf(entries: readonly ErrorEntry[], width: number | undefined): string {
  const rows = entries.map(({ code, meaning }) => [
    code,
    /^.*?[.:;](?= |$)/.exec(meaning)?.[0].slice(0, -1) ?? meaning,
  ]);
  return columns(rows, { width });
}

/** The text in lines of at most `width` letters; the catalogue is ASCII (a test says so), so that letters are columns. */
function wrapped(text: string, width: number): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join('\n');
}
