import type { DifferentFile, DifferentStep, Verification } from '@tsbuild/builder';
import { describe, expect, it } from 'vitest';
import { notReproducible, verificationLines } from '../../src/output/verification-lines.ts';

const range = { start: { line: 3, column: 0 }, end: { line: 3, column: 9 } };
const base: DifferentStep = {
  id: 'stage-0/2',
  number: 2,
  name: 'RUN make',
  stage: 'stage-0',
  range,
  inImage: true,
  follows: [],
  files: [],
  total: 0,
  timesOnly: 0,
};
const content: DifferentFile = {
  path: '/out',
  change: 'changed',
  attributes: [
    { name: 'mtime', first: '2026-01-01T00:00:00Z', second: '2026-01-01T00:00:02Z' },
    { name: 'content', first: '10 bytes', second: '12 bytes' },
  ],
};
const timed = (path: string): DifferentFile => ({
  path,
  change: 'changed',
  attributes: [{ name: 'mtime', first: '1970-01-01T00:00:01Z', second: '1970-01-01T00:00:02Z' }],
});
const of = (steps: readonly DifferentStep[], more: Partial<Verification> = {}): Verification => ({
  same: false,
  ids: [`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`],
  dockerfile: 'Dockerfile',
  steps,
  onlyTimes: false,
  ...more,
});

describe('what a verification says', () => {
  it('names instructions, files and what of them, and which step may be why', () => {
    const steps: readonly DifferentStep[] = [
      { ...base, files: [content, { path: '/tmp.1', change: 'removed', attributes: [] }], total: 2 },
      {
        ...base,
        id: 'stage-0/3',
        number: 3,
        name: 'RUN <<EOF\nmake again\nEOF',
        follows: ['stage-0/2'],
        files: [timed('/x'), { ...content, path: '/\x1b[31mred', attributes: [{ name: 'xattr' }] }],
        total: 2,
        timesOnly: 1,
      },
    ];
    expect(verificationLines(of(steps), true)).toEqual([
      'Built twice: two images, aaaaaaaaaaaa and bbbbbbbbbbbb.',
      '#2 [stage-0] RUN make  (Dockerfile:3)',
      '     /out: content (10 bytes, then 12 bytes)',
      '     /tmp.1: only in the first build',
      '#3 [stage-0] RUN <<EOF …  (Dockerfile:3, after #2)',
      '     /x: mtime (1970-01-01T00:00:01Z, then 1970-01-01T00:00:02Z)',
      '     /\\u001b[31mred: xattr',
    ]);
  });

  it('makes of times a number where none was set', () => {
    const files = [content, timed('/a'), timed('/b')];
    expect(verificationLines(of([{ ...base, files, total: 3, timesOnly: 2 }]), false).slice(2)).toEqual([
      '     /out: content (10 bytes, then 12 bytes)',
      '     and 2 paths only by their times',
    ]);
    expect(verificationLines(of([{ ...base, files: [timed('/a')], total: 1, timesOnly: 1 }]), false).slice(2)).toEqual([
      '     1 path only by its time',
    ]);
  });

  it('shows twenty files and counts the others', () => {
    const files = Array.from({ length: 30 }, (_, i) => ({ ...content, path: `/${i}` }));
    const lines = verificationLines(of([{ ...base, files, total: 45 }]), true);
    expect(lines).toHaveLength(23);
    expect(lines.at(-1)).toBe('     and 25 more');
  });

  it('says that all is well, and what is not although the image is', () => {
    const ids: Verification['ids'] = [`sha256:${'a'.repeat(64)}`, `sha256:${'a'.repeat(64)}`];
    expect(verificationLines(of([], { same: true, ids }), true)).toEqual([
      'Built twice: the same image, aaaaaaaaaaaa.',
    ]);
    const other = { ...base, files: [content], total: 1, inImage: false };
    expect(verificationLines(of([other], { same: true, ids }), true)).toEqual([
      'Built twice: the same image, aaaaaaaaaaaa.',
      'Not in the image, but different each time:',
      '#2 [stage-0] RUN make  (Dockerfile:3)',
      '     /out: content (10 bytes, then 12 bytes)',
    ]);
  });

  it('says when nothing but the config has another time, and when a layer is packed in another way', () => {
    expect(verificationLines(of([], { onlyTimes: true }), false)).toEqual([
      'Built twice: two images, aaaaaaaaaaaa and bbbbbbbbbbbb, only the times of the config differ.',
    ]);
    expect(verificationLines(of([base]), true).at(-1)).toMatch(/stored in a different order: this is a bug in tsbuild/);
  });
});

describe('the failure of a verification', () => {
  it('names the step that is at the root of it, in the image first, and a file', () => {
    const other = { ...base, id: 'a/1', name: 'RUN log', inImage: false, files: [content], total: 1 };
    const own = { ...base, files: [{ ...content, path: '/own' }], total: 1 };
    const after = { ...base, id: 'z', follows: ['stage-0/2'] };
    expect(notReproducible(of([after, other, own]), true)).toMatchObject({
      code: 'NOT_REPRODUCIBLE',
      message: 'the image is not the same each time: #2 RUN make gives a different /own',
    });
    expect(notReproducible(of([other]), true).message).toContain('RUN log gives a different /out');
  });

  it('speaks of SOURCE_DATE_EPOCH where it is missing', () => {
    const step = { ...base, files: [timed('/a')], total: 1, timesOnly: 1 };
    expect(notReproducible(of([step], { onlyTimes: true }), false)).toMatchObject({
      message: 'the image is not the same each time: only its times differ',
      hint: expect.stringContaining('SOURCE_DATE_EPOCH=$(git log'),
    });
    expect(notReproducible(of([{ ...base, files: [content], total: 1 }]), false).hint).toContain(
      'set SOURCE_DATE_EPOCH to fix the times',
    );
    expect(notReproducible(of([step], { onlyTimes: true }), true).message).toContain('RUN make gives a different /a');
  });
});
