import type { Case, CaseFile, ExpectedFailure, KnownDifference } from './case.ts';

const SINGLE = ['network', 'context', 'stdin', 'since', 'alone', 'fails', 'fails engine'] as const;
const REPEATED = ['setup', 'again', 'build', 'env', 'differs', 'newer'] as const;
type Key = (typeof SINGLE)[number] | (typeof REPEATED)[number];

/** Reads a file of cases; conformance/README.md describes the form. @throws SyntaxError naming file and case */
export function parseCases(area: string, text: string): readonly Case[] {
  const [, ...parts] = text.split(/^== (.+)$/m);
  const cases: Case[] = [];
  for (let i = 0; i < parts.length; i += 2) {
    const name = parts[i] ?? '';
    try {
      cases.push(parseCase(area, name.trim(), parts[i + 1] ?? ''));
    } catch (error) {
      throw new SyntaxError(`${area}.txtar, ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return cases;
}

function parseCase(area: string, name: string, text: string): Case {
  const [head = '', ...parts] = text.split(/^-- (.+) --\n/m);
  const files: CaseFile[] = [];
  const expect = new Map<string, string>();
  for (let i = 0; i < parts.length; i += 2) {
    const path = parts[i] ?? '';
    // The blank line before the next heading is for the eye.
    const content = i + 2 < parts.length ? (parts[i + 1] ?? '') : (parts[i + 1] ?? '').replace(/\n+$/, '\n');
    if (path.startsWith('expect/')) expect.set(path.slice('expect/'.length), content);
    else files.push({ path, content });
  }
  const { rule, values } = parseHead(head);
  const one = (key: Key): string | undefined => values.get(key)?.[0];
  const all = (key: Key): readonly string[] => values.get(key) ?? [];
  const lines = (key: string): readonly string[] | undefined =>
    expect
      .get(key)
      ?.split('\n')
      .filter((line) => line !== '');
  const config = expect.get('config');
  const known = [
    ...all('differs').map((line) => knownDifference('deliberate', line)),
    ...all('newer').map((line) => knownDifference('newer', line)),
  ];
  const result: Case = {
    name,
    area,
    rule,
    files,
    setup: all('setup'),
    again: all('again'),
    build: all('build').flatMap(splitWords),
    network: one('network') ?? 'none',
    context: one('context') ?? '{context}',
    stdin: one('stdin'),
    env: Object.fromEntries(all('env').map((pair) => pair.split(/=(.*)/s).slice(0, 2) as [string, string])),
    fails: expectedFailure(one('fails'), one('fails engine')),
    since: version(one('since')),
    alone: one('alone'),
    known,
    expected: {
      tree: lines('tree'),
      config: config === undefined ? undefined : (JSON.parse(config) as Record<string, unknown>),
      history: lines('history'),
    },
  };
  check(result);
  return result;
}

/** The rule in prose, then `key: value` lines. */
function parseHead(head: string): { readonly rule: string; readonly values: ReadonlyMap<string, string[]> } {
  const values = new Map<string, string[]>();
  const prose: string[] = [];
  const keys: readonly string[] = [...SINGLE, ...REPEATED];
  for (const line of head.split('\n')) {
    const [, key = '', value = ''] = /^([a-z ]+): (.*)$/.exec(line) ?? [];
    if (!keys.includes(key)) {
      if (/^[a-z]+: /.test(line)) throw new SyntaxError(`unknown directive: ${line}`);
      if (values.size > 0 && line.trim() !== '') throw new SyntaxError(`words after the directives: ${line}`);
      prose.push(line.trim());
      continue;
    }
    const given = values.get(key) ?? [];
    if (given.length > 0 && (SINGLE as readonly string[]).includes(key)) throw new SyntaxError(`${key} stands twice`);
    values.set(key, [...given, value]);
  }
  return { rule: prose.filter((line) => line !== '').join(' '), values };
}

/** `20.10 PATTERN :: REASON`, the engine's version left out where it is for all. */
function knownDifference(kind: KnownDifference['kind'], line: string): KnownDifference {
  const match = /^(?:(\d+\.\d+) )?(.+) :: (.+)$/.exec(line);
  const [, engine, pattern = '', reason = ''] = match ?? [];
  if (match === null) throw new SyntaxError(`expected PATTERN :: REASON, not ${line}`);
  return { kind, engine, pattern: new RegExp(pattern), reason };
}

function expectedFailure(tsbuild: string | undefined, engine: string | undefined): ExpectedFailure | undefined {
  if (tsbuild === undefined) return undefined;
  return { tsbuild: new RegExp(tsbuild, 'i'), engine: new RegExp(engine ?? tsbuild, 'i') };
}

function version(text: string | undefined): readonly [number, number] | undefined {
  if (text === undefined) return undefined;
  const [, major, minor] = /^(\d+)\.(\d+)$/.exec(text) ?? [];
  if (major === undefined || minor === undefined) throw new SyntaxError(`not a Dockerfile version: ${text}`);
  return [Number(major), Number(minor)];
}

/** As a shell splits, with both kinds of quotes. */
function splitWords(line: string): string[] {
  const words = line.match(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g) ?? [];
  return words.map((word) =>
    word.replace(/"([^"]*)"|'([^']*)'/g, (_, double?: string, single?: string) => double ?? single ?? ''),
  );
}

function check({ rule, files, fails, since, alone, expected, known }: Case): void {
  if (rule === '') throw new SyntaxError('the rule is missing');
  if (files.length === 0) throw new SyntaxError('there are no files');
  const isLiteral = expected.tree ?? expected.config ?? expected.history ?? fails;
  const needsLiteral = since !== undefined || alone !== undefined || known.some(({ kind }) => kind === 'newer');
  if (needsLiteral && isLiteral === undefined)
    throw new SyntaxError('what an engine does not judge needs an expectation');
}
