import { sha256Digest } from '@tsbuild/oci';
import { describe, expect, it } from 'vitest';
import type { KeyInput } from '../../src/cache/cache-key.ts';
import type { StepOrigin } from '../../src/cache/step-origin.ts';
import { diffListings } from '../../src/explain/listing-diff.ts';
import { maskedText, maskedValue } from '../../src/explain/mask.ts';
import { type ComparedStep, diffSteps } from '../../src/explain/preimage-diff.ts';
import { describeChange, summarize } from '../../src/explain/sentence.ts';

/** A generator of small numbers, the same in each run. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * limit);
  };
}

const hex = (n: number): string => String(n).padStart(64, '0');

/** The files of a random step: path to line, as `copyListing` writes them. */
function randomFiles(random: (limit: number) => number): Map<string, string> {
  const files = new Map<string, string>();
  const count = random(30);
  for (let i = 0; i < count; i++) {
    const path = `d${random(3)}/f ${random(40)}`;
    const mode = ['0644', '0755'][random(2)];
    const what = [
      `file ${hex(random(3))}`,
      `file ${hex(random(3))} user.a=00ff`,
      'directory',
      'symlink "a 0644 0:0 b"',
      'char 1:3',
      'parent',
    ][random(6)];
    files.set(path, `${what} ${mode} ${random(2)}:0 ${path}`);
  }
  return files;
}

const text = (files: ReadonlyMap<string, string>): string => [...files.values()].map((line) => `${line}\n`).join('');
const same = (path: string): string => path;

describe('listings', () => {
  it('that are equal differ in nothing, and others in exactly the paths that are not the same', () => {
    const random = randomNumbers(7);
    let differing = 0;
    for (let round = 0; round < 500; round++) {
      const before = randomFiles(random);
      const after = new Map(before);
      for (const [path, line] of randomFiles(random)) if (random(4) === 0) after.set(path, line);
      for (const path of before.keys()) if (random(6) === 0) after.delete(path);
      expect(diffListings(text(before), text(before), same)).toEqual([]);
      const paths = [...new Set([...before.keys(), ...after.keys()])].filter(
        (path) => before.get(path) !== after.get(path),
      );
      const changes = diffListings(text(before), text(after), same);
      expect(changes.map(({ name }) => name).toSorted()).toEqual(paths.toSorted());
      for (const { name, change, what } of changes) {
        expect(change).toBe(!before.has(name) ? 'added' : !after.has(name) ? 'removed' : 'changed');
        expect((what ?? []).length > 0).toBe(change === 'changed');
      }
      differing += changes.length;
    }
    expect(differing).toBeGreaterThan(500);
  });

  it.each([
    [`file ${hex(1)} 0644 0:0 a`, `file ${hex(2)} 0644 0:0 a`, 'a changed'],
    [`file ${hex(1)} 0644 0:0 a`, `file ${hex(1)} 0600 0:0 a`, 'a: mode 0644 → 0600'],
    [`file ${hex(1)} 0644 0:0 a`, `file ${hex(1)} 0644 1000:0 a`, 'a: owner 0:0 → 1000:0'],
    [`file ${hex(1)} 0644 0:0 a`, `file ${hex(2)} 0755 0:0 a`, 'a changed (content, mode)'],
    [`file ${hex(1)} 0644 0:0 a`, `file ${hex(1)} security.capability=01 0644 0:0 a`, 'a changed (attributes)'],
    ['symlink "x" 0777 0:0 a', 'symlink "y" 0777 0:0 a', 'a: target "x" → "y"'],
    ['symlink "x" 0777 0:0 a', 'directory 0777 0:0 a', 'a: type symlink → directory'],
    ['symlink "q \\" 0644 0:0 x" 0777 0:0 a', 'symlink "q" 0777 0:0 a', 'a: target "q \\" 0644 0:0 x" → "q"'],
    ['parent 0755 0:0 a', 'directory 0755 0:0 a', 'a changed (type)'],
    ['directory 0755 0:0 a', 'directory 0755 0:0 a\nremoved b', 'b is new'],
  ])('%j and %j: %s', (before, after, sentence) => {
    const changes = diffListings(`${before}\n`, `${after}\n`, same);
    expect(changes.map((change) => describeChange(change, () => undefined))).toEqual([sentence]);
  });
});

const ORIGIN: StepOrigin = {
  stage: 'stage-0',
  source: 'RUN make',
  name: 'RUN make',
  arguments: ['A'],
  expanded: {},
  base: { name: 'base:latest', id: `sha256:${hex(1)}` },
  above: [],
};

function randomStep(random: (limit: number) => number): ComparedStep {
  const listing = text(randomFiles(random));
  const inputs: KeyInput[] = [
    { name: 'parent', id: `sha256:${hex(random(3))}` },
    ...(random(2) === 0 ? [] : [{ name: 'mount /m', id: sha256Digest(listing), listing }]),
  ];
  const definition = {
    argv: ['sh', '-c', `make ${random(2)}`],
    environment: [`A=${random(3)}`, ...(random(2) === 0 ? [] : [`B=${random(3)}`])],
    user: ['', 'app'][random(2)] ?? '',
    epoch: random(2) === 0 ? null : random(3),
    mounts: random(2) === 0 ? [] : [{ kind: 'bind', target: '/m', readOnly: random(2) === 0 }],
  };
  return {
    preimage: { operation: 'run', definition, inputs },
    origin: random(5) === 0 ? undefined : { ...ORIGIN, base: { name: 'base', id: inputs[0]?.id ?? ORIGIN.base.id } },
    listing: (input) => input.listing,
  };
}

describe('steps', () => {
  it('with equal preimages differ in nothing, others in something', () => {
    const random = randomNumbers(11);
    for (let round = 0; round < 500; round++) {
      const step = randomStep(random);
      expect(diffSteps(step, { ...step, preimage: structuredClone(step.preimage) })).toEqual([]);
      const other = randomStep(random);
      const equal = JSON.stringify(step.preimage) === JSON.stringify(other.preimage);
      const changes = diffSteps(step, other);
      expect(changes.length > 0, JSON.stringify([step, other])).toBe(!equal);
      expect(summarize(changes, changes.length, () => 1)).not.toMatch(/undefined|\n/);
    }
  });

  it('are told by what is lowest when the files below are others', () => {
    const above = (...layers: [string, number][]) =>
      layers.map(([source, layer], i) => ({
        id: `s/${i + 1}`,
        source,
        name: source,
        layer: `sha256:${hex(layer)}` as const,
      }));
    const of = (...layers: [string, number][]): ComparedStep => ({
      preimage: {
        operation: 'run',
        definition: {},
        inputs: [{ name: 'parent', id: sha256Digest(JSON.stringify(layers)) }],
      },
      origin: { ...ORIGIN, above: above(...layers) },
      listing: () => undefined,
    });
    const sentence = (before: ComparedStep, after: ComparedStep): string =>
      diffSteps(before, after)
        .map((change) => describeChange(change, (id) => Number(id.slice(2))))
        .join('; ');
    expect(sentence(of(['A', 1], ['B', 2]), of(['A', 3], ['B', 4]))).toBe('step #1 A above it has a different result');
    expect(sentence(of(['A', 1], ['B', 2]), of(['A', 1], ['B', 4]))).toBe('step #2 B above it has a different result');
    expect(sentence(of(['A', 1]), of(['N', 3], ['A', 1]))).toBe('step #1 N above it is new');
    expect(sentence(of(['A', 1], ['B', 2]), of(['B', 2]))).toBe('step A above it is gone');
    expect(sentence(of(['A', 1]), of())).toBe('step A above it is gone');
    expect(sentence({ ...of(['A', 1]), origin: undefined }, of(['A', 2]))).toBe('the files below it changed');
  });
});

it('masks what looks secret', () => {
  expect(maskedValue('NPM_TOKEN', 'x')).toBe('***');
  expect(maskedValue('DB_PASSWORD', '')).toBe('***');
  expect(maskedValue('MONKEY', 'banana')).toBe('banana');
  expect(maskedValue('SSH_KEY', 'x')).toBe('***');
  expect(maskedValue('X', `ghp_${'a'.repeat(36)}`)).toBe('***');
  expect(maskedValue('URL', 'https://me:pass@host/x')).toBe('https://***@host/x');
  expect(maskedText('RUN curl https://me:pass@host && API_KEY=abc ./run --token=1')).toBe(
    'RUN curl https://***@host && API_KEY=*** ./run --token=***',
  );
  expect(maskedText('RUN npm_config=1 make')).toBe('RUN npm_config=1 make');
});
