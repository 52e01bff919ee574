import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { readTar } from '../../src/tar/reader.ts';
import { chunked, makeTar, paxHeader, type RawMember } from '../../testing/make-tar.ts';
import { readAll } from './read-all.ts';

const directory = mkdtempSync(join(tmpdir(), 'sparse-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** What GNU tar makes of a file with these parts, in each of its forms. */
function packed(size: number, parts: readonly (readonly [number, string])[], ...form: readonly string[]): Uint8Array {
  writeFileSync(join(directory, 'f'), '');
  truncateSync(join(directory, 'f'), size);
  for (const [at, text] of parts) {
    execFileSync('dd', ['of=f', 'bs=1', `seek=${at}`, 'conv=notrunc'], { cwd: directory, input: text, stdio: 'pipe' });
  }
  writeFileSync(join(directory, 'next'), 'after');
  return execFileSync('tar', ['-S', ...form, '-cf', '-', 'f', 'next'], { cwd: directory, maxBuffer: 1e8 });
}

const FORMS = [
  ['--format=gnu'],
  ['--format=posix', '--sparse-version=0.0'],
  ['--format=posix', '--sparse-version=0.1'],
  ['--format=posix', '--sparse-version=1.0'],
];

describe.skipIf(process.platform !== 'linux')('sparse files of GNU tar (needs tar)', () => {
  it.each(FORMS)('%s %s: come with their holes filled', async (...form) => {
    const parts = Array.from({ length: 60 }, (_, i) => [i * 12_288, `part ${i}`] as const);
    for (const [size, some] of [
      [800_000, parts],
      [500_000, parts.slice(0, 1)],
      [65_536, []],
    ] as const) {
      const content = Buffer.alloc(size);
      for (const [at, text] of some) content.write(text, at);
      for (const chunkSize of [65_536, 700]) {
        const [file, next] = await readAll(packed(size, some, ...form), chunkSize);
        expect([file?.path, file?.size, next?.path, next?.text]).toEqual(['f', size, 'next', 'after']);
        expect(file?.text === content.toString('latin1')).toBe(true);
      }
    }
  });

  it('need not be read, and tell where their parts are', async () => {
    const archive = packed(
      500_000,
      [
        [0, 'begin'],
        [400_000, 'x'.repeat(8192)],
      ],
      '--format=posix',
    );
    const names: string[] = [];
    for await (const { entry, sparse } of readTar(chunked(archive))) {
      names.push(entry.path);
      for (const { position, offset } of sparse ?? []) {
        expect(Buffer.from(archive).toString('latin1', offset, offset + 1)).toBe(position === 0 ? 'b' : '\0');
      }
    }
    expect(names).toEqual(['f', 'next']);
  });
});

const records = (more: Readonly<Record<string, string>>): Record<string, string> => ({
  'GNU.sparse.name': 'sp',
  ...more,
});
const form1 = (map: string, realsize = '100', size?: number): readonly RawMember[] => [
  paxHeader(records({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': realsize })),
  { name: 'x', content: map, ...(size !== undefined && { size }) },
];
const form0 = (map: string, numblocks: string, size = '100', content = 'abc'): readonly RawMember[] => [
  paxHeader(records({ 'GNU.sparse.size': size, 'GNU.sparse.numblocks': numblocks, 'GNU.sparse.map': map })),
  { name: 'x', content },
];
const block = (text: string): string => text.padEnd(512, '\0');

it.each<[string, readonly RawMember[]]>([
  [
    'CVE-2025-58183: an old map that is not what is stored',
    [{ name: 'sp', type: 'S', format: 'gnu', size: 1024, content: 'x'.repeat(1024) }],
  ],
  [
    'an old map without an end',
    [{ name: 'sp', type: 'S', format: 'gnu', raw: { 482: '\x01' }, content: '1'.repeat(4096) }],
  ],
  ['CVE-2026-32288: a text map without an end', form1('9'.repeat(2048))],
  ['a text map that is longer than it may be', form1(`200000\n${'1\n'.repeat(1_000_000)}`)],
  ['a text map that is cut off', form1(block('2\n0\n1\n'))],
  ['a text map that is no numbers', form1(block('1\n0\nx\n'))],
  ['a text map with less than what is stored', form1(`${block('1\n0\n2\n')}abc`)],
  ['a text map with more than what is stored', form1(`${block('1\n0\n4\n')}abc`)],
  ['parts out of order', form0('10,1,0,2', '2')],
  ['parts that overlap', form0('0,2,1,1', '2')],
  ['a part beyond the file', form0('99,3', '1')],
  ['a number of parts that is not theirs', form0('0,3', '2')],
  ['half a part', form0('0,3,7', '1')],
  ['a part of 2^53 bytes', form0('0,9007199254740993', '1')],
  ['no size', [paxHeader({ 'GNU.sparse.map': '0,3', 'GNU.sparse.numblocks': '1' }), { name: 'sp', content: 'abc' }]],
  [
    'a sparse symlink',
    [
      paxHeader(records({ 'GNU.sparse.size': '1', 'GNU.sparse.numblocks': '0', 'GNU.sparse.map': '' })),
      { name: 'sp', type: '2', linkName: 'x' },
    ],
  ],
  [
    'records out of order',
    [paxHeader({ 'GNU.sparse.numbytes': '3', 'GNU.sparse.offset': '0' }), { name: 'sp', content: 'abc' }],
  ],
])('refuses %s', async (_, members) => {
  const archive = makeTar(members);
  await expect(readAll(archive)).rejects.toMatchObject({ code: 'TAR_INVALID' });
  await expect(readAll(archive, 77)).rejects.toMatchObject({ code: 'TAR_INVALID' });
});

it('refuses forms that nobody knows', async () => {
  const archive = makeTar([paxHeader(records({ 'GNU.sparse.major': '2', 'GNU.sparse.size': '1' })), { name: 'x' }]);
  await expect(readAll(archive)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
});

it('reads any map that is in order', async () => {
  const part = fc.tuple(fc.nat(2000), fc.integer({ min: 1, max: 900 }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(part, { maxLength: 8 }),
      fc.nat(900),
      fc.integer({ min: 1, max: 1500 }),
      async (gaps, end, chunk) => {
        let position = 0;
        let [file, stored] = ['', ''];
        const map = gaps.flatMap(([gap, length], i) => {
          const text = String.fromCharCode(65 + i).repeat(length);
          position += gap;
          file = file.padEnd(position, '\0') + text;
          stored += text;
          position += length;
          return [position - length, length];
        });
        file = file.padEnd(position + end, '\0');
        const expected = { path: 'sp', size: file.length, text: file };
        const size = String(file.length);
        const text = [map.length / 2, ...map].map((number) => `${number}\n`).join('');
        const padded = text.padEnd(Math.ceil(text.length / 512) * 512, '\0');
        expect(await readAll(makeTar(form1(padded + stored, size)), chunk)).toMatchObject([expected]);
        const archive = makeTar(form0(map.join(','), String(map.length / 2), size, stored));
        expect(await readAll(archive, chunk)).toMatchObject([expected]);
      },
    ),
    { numRuns: 60 },
  );
});
