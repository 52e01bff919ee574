import { describe, expect, it } from 'vitest';
import { copyQuestion, toldFlags } from '../../src/ops/copy/copy-question.ts';
import type { CopyFlags, CopyRequest, PathsSource } from '../../src/ops/copy/copy-request.ts';
import { parseModeChange } from '../../src/ops/copy/file-mode.ts';
import { EMPTY_ROOTFS, type Rootfs } from '../../src/ops/rootfs.ts';

const PARENT: Rootfs = { layers: [{ digest: `sha256:${'1'.repeat(64)}` }] };
const STAGE: Rootfs = { layers: [{ digest: `sha256:${'2'.repeat(64)}` }] };
const RANGE = { start: { line: 1, column: 0 }, end: { line: 1, column: 4 } };
const PATHS: PathsSource = { kind: 'paths', pattern: 'a', unpack: false };

const REQUEST: CopyRequest = {
  id: 'copy',
  range: RANGE,
  parent: { kind: 'constant', value: PARENT },
  from: { kind: 'stage', rootfs: { kind: 'constant', value: STAGE } },
  sources: [PATHS],
  destination: '/',
  workingDirectory: '/',
  chown: undefined,
  chmod: undefined,
  excludes: [],
  parents: false,
  link: false,
  ignoreCache: false,
};

const ask = (request: CopyRequest, parent = PARENT, stage = STAGE): string =>
  copyQuestion(request, parent, stage)?.digest ?? 'cannot be told';

/** Another value of a field that decides the listing; `by its content` of what enters as a value of the graph. */
type Field<T> = { readonly other: T } | 'by its content' | 'decides nothing';

/** Every field of a request. A new one does not compile before it is decided here. */
const FIELDS: { readonly [K in keyof Required<CopyRequest>]: Field<CopyRequest[K]> } = {
  destination: { other: '/d/' },
  workingDirectory: { other: '/w' },
  chown: { other: '1:2' },
  chmod: { other: { text: '0755', change: parseModeChange('0755') } },
  excludes: { other: ['*.log'] },
  parents: { other: true },
  link: { other: true },
  sources: { other: [{ ...PATHS, pattern: 'b' }] },
  from: 'by its content',
  parent: 'by its content',
  id: 'decides nothing',
  range: 'decides nothing',
  ignoreCache: 'decides nothing',
};

/** Every field of a source of paths. */
const SOURCE: { readonly [K in keyof Required<Omit<PathsSource, 'kind'>>]: PathsSource[K] } = {
  pattern: 'b',
  unpack: true,
};

describe('what a COPY is asked by', () => {
  it('has the digest that it always had', () => {
    expect(ask(REQUEST)).toBe('sha256:0af8b5790e43181e6f63c90b40ea3c8f91cfa0f0f3ad71daccf5ae9febf7cae2');
    const all: CopyRequest = {
      ...REQUEST,
      destination: '/d/',
      workingDirectory: '/w',
      chown: 'app:app',
      chmod: { text: 'u=rwX', change: parseModeChange('u=rwX') },
      excludes: ['*.log', '!keep.log'],
      link: true,
    };
    expect(ask(all)).toBe('sha256:0871e7ed38a4cc26d5c1c39ef34fa3791fff58e2511234dce8fa551b2af877a9');
  });

  const others = Object.entries(FIELDS).flatMap(([name, field]) =>
    typeof field === 'string' ? [] : [{ name, other: field.other as unknown }],
  );
  it.each(others)('knows the request: $name', ({ name, other }) => {
    expect(ask({ ...REQUEST, [name]: other })).not.toBe(ask(REQUEST));
  });

  it('knows nothing of where it stands', () => {
    const elsewhere = { id: 'other', range: { ...RANGE, end: RANGE.start }, ignoreCache: true };
    const silent = Object.entries(FIELDS).filter(([, field]) => field === 'decides nothing');
    expect(Object.keys(elsewhere).toSorted()).toEqual(silent.map(([name]) => name).toSorted());
    expect(ask({ ...REQUEST, ...elsewhere })).toBe(ask(REQUEST));
  });

  it('knows the filesystems by their content', () => {
    const asked = [ask(REQUEST), ask(REQUEST, EMPTY_ROOTFS), ask(REQUEST, PARENT, EMPTY_ROOTFS)];
    expect(new Set(asked).size).toBe(3);
  });

  it.each(Object.entries(SOURCE))('knows a source: %s', (name, other) => {
    const source = { ...PATHS, [name]: other } as PathsSource;
    expect(ask({ ...REQUEST, sources: [source] })).not.toBe(ask(REQUEST));
  });

  it('does not compile while a new flag is not told', () => {
    type NewFlags = CopyFlags & { readonly label?: string };
    type Told<T> = { readonly [K in keyof T]-?: unknown };
    // @ts-expect-error label is missing
    const told: Told<NewFlags> = toldFlags(REQUEST);
    expect(Object.keys(told).toSorted()).toEqual(Object.keys(toldFlags(REQUEST)).toSorted());
  });
});
