import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cacheAdvice } from './layer-listing.ts';
import { parseDockerfile } from '../packages/builder/src/dockerfile/parser.ts';
import { secretIn } from '../packages/builder/src/lint/layers/secrets.ts';
import { lintDockerfile } from '../packages/builder/src/lint/lint.ts';
import { BuildArguments, platformArguments } from '../packages/builder/src/plan/build-arguments.ts';

const CORPUS = fileURLToPath(new URL('../fixtures/advice', import.meta.url));
const PLATFORM = { os: 'linux', architecture: 'amd64' };

/** One file of the corpus: what a person expects of the checks, and what they say; both in words that can be compared. */
export interface Judged {
  readonly rule: 'CopyBeforeInstall' | 'PackageCacheInLayer' | 'SecretInLayer';
  readonly name: string;
  /** `silent`, or what is to be said. */
  readonly expected: string;
  readonly said: string;
}

/** How good a rule is. */
export interface Score {
  readonly rule: string;
  readonly files: number;
  /** Said, and rightly so in place and advice. */
  readonly right: number;
  /** Said where a person would not, or with the wrong advice. */
  readonly wrong: number;
  /** Not said where a person would. */
  readonly missed: number;
  /** Shares between 0 and 1. */
  readonly precision: number;
  readonly recall: number;
}

/** Judges the whole corpus. */
export function judgeCorpus(): readonly Judged[] {
  return [
    ...expectations('order').map(({ name, expected }): Judged => {
      const said = orderAdvice(readFileSync(`${CORPUS}/order/${name}.Dockerfile`, 'utf8'));
      return { rule: 'CopyBeforeInstall', name, expected, said };
    }),
    ...expectations('caches').map(({ name, expected }): Judged => {
      const said = cacheAdvice(readFileSync(`${CORPUS}/caches/${name}.txt`, 'utf8'));
      return { rule: 'PackageCacheInLayer', name, expected, said };
    }),
    ...expectations('secrets').map(({ name, expected }): Judged => {
      const content = readFileSync(`${CORPUS}/secrets/${name}.txt`, 'latin1');
      return {
        rule: 'SecretInLayer',
        name,
        expected,
        said: secretIn('app/.env', content) === undefined ? 'silent' : 'secret',
      };
    }),
  ];
}

/** The scores of the rules, in the order in which they were judged. */
export function scoresOf(judged: readonly Judged[]): readonly Score[] {
  return [...new Set(judged.map(({ rule }) => rule))].map((rule) => {
    const own = judged.filter((each) => each.rule === rule);
    const count = (is: (each: Judged) => boolean): number => own.filter(is).length;
    const right = count(({ expected, said }) => said !== 'silent' && said === expected);
    const wrong = count(({ expected, said }) => said !== 'silent' && said !== expected);
    const missed = count(({ expected, said }) => said === 'silent' && expected !== 'silent');
    return {
      rule,
      files: own.length,
      right,
      wrong,
      missed,
      precision: right / (right + wrong),
      recall: right / (right + missed),
    };
  });
}

/** Lines `name: what is expected`; comments begin with `#`. */
function expectations(folder: string): readonly { readonly name: string; readonly expected: string }[] {
  const lines = readFileSync(`${CORPUS}/${folder}/expected.txt`, 'utf8').split('\n');
  return lines.flatMap((line) => {
    const [, name, expected] = /^([^#:]+): (.+)$/.exec(line) ?? [];
    return name === undefined || expected === undefined ? [] : [{ name, expected }];
  });
}

/** `LINE project`, `LINE names`, several with commas, or `silent`. */
function orderAdvice(text: string): string {
  const dockerfile = parseDockerfile({ name: 'Dockerfile', text });
  const findings = lintDockerfile({
    dockerfile,
    stages: 'all',
    arguments: new BuildArguments(new Map(), {}),
    predefined: platformArguments(PLATFORM, PLATFORM, 'default'),
    platform: PLATFORM,
    bases: new Map(),
    ignore: undefined,
  });
  const advice = findings
    .filter(({ rule }) => rule === 'CopyBeforeInstall')
    .map(({ range, message }) => `${range.start.line} ${message.includes('reads none of it') ? 'names' : 'project'}`);
  return advice.length === 0 ? 'silent' : advice.join(', ');
}
