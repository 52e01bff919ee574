import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Case } from './case.ts';
import type { CaseResult, Verdict } from './run-case.ts';
import { PROJECT } from './project.ts';

/** What is kept of the runs with one engine. */
interface KeptRun {
  readonly engine: string;
  readonly results: Readonly<Record<string, { readonly verdict: Verdict; readonly reasons: readonly string[] }>>;
}

/** Keeps the results of a run with those of earlier ones, and writes docs/conformance.md from those of all engines. */
export async function writeReport(
  cases: readonly Case[],
  results: readonly CaseResult[],
  engine: string,
  short: string,
): Promise<void> {
  const folder = join(PROJECT, 'conformance/results');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `docker-${short}.json`);
  const before = await readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as KeptRun,
    () => undefined,
  );
  const now = new Map(results.map(({ test, verdict, reasons }) => [test.name, { verdict, reasons }]));
  const all = cases.flatMap(({ name }) => {
    const result = now.get(name) ?? before?.results[name];
    return result === undefined ? [] : [[name, result] as const];
  });
  const kept: KeptRun = { engine, results: Object.fromEntries(all) };
  await writeFile(file, `${JSON.stringify(kept, undefined, 1)}\n`);
  const files = (await readdir(folder)).toSorted();
  const runs = await Promise.all(
    files.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as KeptRun),
  );
  await writeFile(join(PROJECT, 'docs/conformance.md'), document(cases, runs));
}

const INTRODUCTION = `# Conformance

\`npm run conformance\` builds every case below with a real Docker engine and with tsbuild, and compares the two images: every field
of the config with the order of Env, every row of the history, the number of layers, what each layer adds and removes, and
the merged tree (type, mode with setuid and sticky, owner, size, content, link target, hard links, capabilities, device
numbers, and times where they do not come from the clock). Where the engine refuses, tsbuild must refuse, with words that mean the same.
tsbuild's archive must be one that the engine loads.

| word | means |
| --- | --- |
| same | the images do not differ (but for what the age of the engine explains, where a reason stands) |
| deliberate | they differ where tsbuild chose to; the reason is given |
| literal | the rule is newer than the engine (or no engine can show it): the image must be what the case says literally |
| FAIL | a defect |

This file is written by that command. The cases are in [conformance/cases](../conformance/cases), how to write one is in
[conformance/README.md](../conformance/README.md).
`;

function document(cases: readonly Case[], runs: readonly KeptRun[]): string {
  const score = runs.map(({ engine, results }) => {
    const known = cases.flatMap(({ name }) => results[name]?.verdict ?? []);
    const count = (verdict: Verdict): number => known.filter((other) => other === verdict).length;
    return `| ${engine} | ${known.length} | ${count('same')} | ${count('deliberate')} | ${count('literal')} | ${count('FAIL')} |`;
  });
  const areas = [...new Set(cases.map(({ area }) => area))];
  const head = `| case | rule | ${runs.map(({ engine }) => engine.replace(/ \(.*/, '')).join(' | ')} |`;
  const line = `| --- | --- | ${runs.map(() => '---').join(' | ')} |`;
  const sections = areas.map((area) =>
    [
      `## ${area}`,
      '',
      head,
      line,
      ...cases.filter((test) => test.area === area).map((test) => row(test, runs)),
      '',
    ].join('\n'),
  );
  const scores = [
    '| engine | cases | same | deliberate | literal | FAIL |',
    '| --- | --- | --- | --- | --- | --- |',
    ...score,
  ];
  return [INTRODUCTION, '## Score', '', ...scores, '', ...differences(cases, runs), ...sections].join('\n');
}

function differences(cases: readonly Case[], runs: readonly KeptRun[]): readonly string[] {
  const rows = cases.flatMap(({ name }) => {
    const kept = runs.map(({ results }) => results[name]).find((result) => result?.verdict === 'deliberate');
    return kept === undefined ? [] : [`| ${name} | ${cell(kept.reasons.join('; '))} |`];
  });
  if (rows.length === 0) return [];
  return ['## Deliberate differences', '', '| case | reason |', '| --- | --- |', ...rows, ''];
}

function row({ name, rule }: Case, runs: readonly KeptRun[]): string {
  const verdicts = runs.map(({ results }) => {
    const result = results[name];
    if (result === undefined) return 'not run';
    const { verdict, reasons } = result;
    return reasons.length === 0 ? verdict : `${verdict}: ${cell(reasons.join('; '))}`;
  });
  return `| ${name} | ${cell(rule)} | ${verdicts.join(' | ')} |`;
}

/** Text that stays in its cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('*', '\\*');
}
