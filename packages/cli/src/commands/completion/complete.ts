import type { Command } from '../../grammar/command.ts';
import { catalog } from '../catalog.ts';
import { nouns } from '../nouns.ts';
import type { Host } from '../../host/host.ts';
import { globalOptions, type OptionSpec, type OptionTable } from '../../grammar/options.ts';
import { sanitizeName } from '../../output/sanitize.ts';
import type { Line } from './line.ts';

/** What a shell may offer for a word. `kind` is for the scripts: paths instead of candidates, or no blank behind. */
interface Completion {
  readonly candidates: readonly Candidate[];
  readonly kind?: ':files' | ':dirs' | ':nospace';
}

interface Candidate {
  readonly word: string;
  readonly about?: string;
}

const NOTHING: Completion = { candidates: [] };

/** Prints the candidates for the last of `words` (those behind the program's name). Never fails: no candidates then. */
export async function completeWords(words: readonly string[], host: Host): Promise<void> {
  const current = words.at(-1) ?? '';
  const { candidates, kind } = await candidatesFor(words.slice(0, -1), current, host).catch(() => NOTHING);
  const fitting = candidates.filter(({ word }) => word.startsWith(current) && !/[\x00-\x20\x7f]/.test(word));
  const lines = fitting.map(({ word, about }) => (about === undefined ? word : `${word}\t${sanitizeName(about)}`));
  const nospace = kind === undefined && fitting.length > 0 && fitting.every(({ word }) => word.endsWith('='));
  const end = kind ?? (nospace ? ':nospace' : undefined);
  host.stdout.write([...lines, ...(end === undefined ? [] : [end])].map((line) => `${line}\n`).join(''));
}

async function candidatesFor(before: readonly string[], current: string, host: Host): Promise<Completion> {
  const { path, rest } = commandPath(before);
  const names = commandNames(path);
  if (names !== undefined) {
    const options = current.startsWith('-') ? optionCandidates(globalOptions) : [];
    return { candidates: [...names, ...options] };
  }
  const command = await commandOf(path);
  if (command === undefined) return NOTHING;
  const table: OptionTable = { ...globalOptions, ...command.options };
  const line = readLine(rest, table);
  if (line.wants !== undefined) return values(line.wants, { prefix: '', line, host, spec: table[line.wants] });
  const equals = current.indexOf('=');
  if (current.startsWith('--') && equals > 0 && !line.ended) {
    const name = current.slice(2, equals);
    return values(name, { prefix: current.slice(0, equals + 1), line, host, spec: table[name] });
  }
  if (current.startsWith('-') && !line.ended) return { candidates: optionCandidates(table) };
  return operands(command, line, host);
}

/** The words that name a command, and what follows; global options may stand before it. */
function commandPath(words: readonly string[]): { readonly path: readonly string[]; readonly rest: readonly string[] } {
  const rest = [...words];
  while (rest[0]?.startsWith('-') === true) rest.splice(0, rest[0] === '--root' ? 2 : 1);
  const first = rest.shift();
  if (first === undefined) return { path: [], rest: [] };
  if (!Object.hasOwn(nouns, first)) return { path: [first], rest };
  const verb = rest.shift();
  return { path: verb === undefined ? [first] : [first, verb], rest };
}

/** What may follow when the command is not complete. */
function commandNames(path: readonly string[]): readonly Candidate[] | undefined {
  const [first, verb] = path;
  if (first === undefined) {
    const plain = Object.entries(catalog).flatMap(([word, { summary: about }]) =>
      word.includes(' ') ? [] : [{ word, about }],
    );
    const groups = Object.keys(nouns).map((word) => ({ word, about: `${Object.keys(nouns[word] ?? {}).join(', ')}` }));
    return [...plain, ...groups, { word: 'help', about: 'Show help' }, { word: 'version', about: 'Show the version' }];
  }
  const verbs = Object.hasOwn(nouns, first) ? nouns[first] : undefined;
  if (verbs === undefined) return first === 'help' ? commandNames([]) : undefined;
  if (verb !== undefined) return undefined;
  return Object.entries(verbs).map(([word, name]) => ({ word, about: catalog[name]?.summary ?? '' }));
}

async function commandOf([first = '', verb]: readonly string[]): Promise<Command | undefined> {
  const name = verb === undefined ? first : (nouns[first]?.[verb] ?? '');
  return Object.hasOwn(catalog, name) ? catalog[name]?.load() : undefined;
}

function readLine(words: readonly string[], table: OptionTable): Line {
  const options = new Map<string, string>();
  const found: string[] = [];
  let wants: string | undefined;
  let ended = false;
  for (const word of words) {
    if (wants !== undefined) {
      options.set(wants, word);
      wants = undefined;
    } else if (ended || !word.startsWith('-') || word === '-') found.push(word);
    else if (word === '--') ended = true;
    else {
      const [name = '', ...value] = word.replace(/^--/, '').split('=');
      const long = word.startsWith('--') ? name : longName(word, table);
      const spec = long === undefined || !Object.hasOwn(table, long) ? undefined : table[long];
      if (long === undefined || spec === undefined || spec.kind === 'flag') continue;
      if (value.length > 0) options.set(long, value.join('='));
      else if (spec.bare === undefined) wants = long;
    }
  }
  return { options, operands: found, wants, ended };
}

/** Of `-t`, and of the last letter of a cluster `-qt`; a value behind the letter leaves nothing to come. */
function longName(word: string, table: OptionTable): string | undefined {
  for (let i = 1; i < word.length; i++) {
    const letter = word[i];
    const [name, spec] = Object.entries(table).find(([, option]) => option.short === letter) ?? [];
    if (spec === undefined) return undefined;
    if (spec.kind !== 'flag') return i === word.length - 1 ? name : undefined;
  }
  return undefined;
}

function optionCandidates(table: OptionTable): readonly Candidate[] {
  return Object.entries(table).flatMap(([name, spec]: [string, OptionSpec]) =>
    spec.later === true || spec.describe === '' ? [] : [{ word: `--${name}`, about: spec.describe }],
  );
}

interface ValueRequest {
  /** `--name=` when the value stands behind it. */
  readonly prefix: string;
  readonly line: Line;
  readonly host: Host;
  readonly spec?: OptionSpec | undefined;
}

async function values(name: string, { prefix, line, host, spec }: ValueRequest): Promise<Completion> {
  const behind = (words: readonly string[]): Completion => ({
    candidates: words.map((word) => ({ word: prefix + word })),
  });
  if (spec?.choices !== undefined) return behind(spec.choices);
  switch (name) {
    case 'target':
    case 'no-cache-filter':
    case 'fail-on-miss':
      return behind(await (await import('./stored-names.ts')).stageCandidates(line, host));
    case 'compare':
    case 'tag':
      return behind(await (await import('./stored-names.ts')).imageCandidates(line, host));
    case 'root':
      return { candidates: [], kind: ':dirs' };
    case 'file':
    case 'key':
    case 'output':
    case 'input':
    case 'iidfile':
      return { candidates: [], kind: ':files' };
    default:
      return NOTHING;
  }
}

async function operands(command: Command, line: Line, host: Host): Promise<Completion> {
  if (line.operands.length >= command.operands.max) return NOTHING;
  switch (command.name) {
    case 'build':
      return { candidates: [], kind: ':dirs' };
    case 'image verify':
      if (line.operands.length > 0) return { candidates: [], kind: ':dirs' };
      return { candidates: (await storedNames(command, line, host)).map((word) => ({ word })) };
    case 'import':
    case 'image keygen':
      return { candidates: [], kind: ':files' };
    case 'explain':
      return {
        candidates: (await import('../explain/catalogue.ts')).errorCatalogue().map(({ code }) => ({ word: code })),
      };
    case 'completion':
      return { candidates: ['bash', 'zsh', 'fish'].map((word) => ({ word })) };
    default:
      return { candidates: (await storedNames(command, line, host)).map((word) => ({ word })) };
  }
}

/** What the next word of the command's synopsis can name. */
async function storedNames({ name, synopsis }: Command, line: Line, host: Host): Promise<readonly string[]> {
  const words = synopsis.split(' ');
  const next = words[Math.min(line.operands.length, words.length - 1)] ?? '';
  // A new name is nobody's yet.
  if (name === 'rename' && line.operands.length > 0) return [];
  const stored = await import('./stored-names.ts');
  const found = [
    ...(name === 'cache explain' || /BUILD/.test(next) ? ['last'] : []),
    ...(/CONTAINER/.test(next) ? stored.containerNames(name, line, host) : []),
    ...(/IMAGE|BUILD|REPOSITORY|NAME|SOURCE/.test(next) ? await stored.imageCandidates(line, host) : []),
  ];
  return found.filter((word) => !line.operands.includes(word));
}
