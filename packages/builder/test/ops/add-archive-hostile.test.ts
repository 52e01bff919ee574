import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gnuLong, makeTar, type RawMember } from '../../../oci/testing/make-tar.ts';
import { BuildError } from '../../src/diagnostics/build-error.ts';
import { dir, file, holding, link, symlink, unpacked } from './archive-case.ts';
import { CopyBench } from './copy-bench.ts';

describe('hostile archives', () => {
  it.each<[string, RawMember[], string[]]>([
    ['names with ..', [file('../up'), file('../../../up2'), file('x/../y')], ['dst/up', 'dst/up2', 'dst/y']],
    ['absolute names', [file('/abs'), file('//etc/passwd')], ['dst/abs', 'dst/etc', 'dst/etc/passwd']],
    [
      'links that lead out',
      [symlink('out', '/etc'), symlink('rel', '../../../../etc'), file('out/passwd'), file('rel/group')],
      ['dst/etc', 'dst/etc/group', 'dst/etc/passwd', 'dst/out', 'dst/rel'],
    ],
    [
      'links that lead to links',
      [symlink('a', 'b'), symlink('b', '../c'), file('a/x')],
      ['dst/a', 'dst/b', 'dst/c', 'dst/c/x'],
    ],
  ])('%s stay inside', async (_what, members, expected) => {
    const paths = (await unpacked(members)).map((line) => line.split(' ')[3]);
    expect(paths).toEqual(['dst', ...expected]);
  });

  it.each<[string, RawMember[], RegExp]>([
    [
      'a hard link to the image',
      [link('h', '/etc/passwd')],
      /h: it is a hard link to etc\/passwd, which does not come before it/,
    ],
    ['a hard link out', [link('h', '../../etc/passwd')], /which does not come before it in the archive/],
    ['a hard link to what comes later', [link('h', 'z'), file('z')], /which does not come before it in the archive/],
    ['a hard link to a folder', [dir('d'), link('h', 'd')], /a hard link to a directory/],
    [
      'a hard link through a link',
      [symlink('s', '/etc'), link('h', 's/passwd')],
      /which does not come before it in the archive/,
    ],
    ['names that mean removals', [file('.wh.x')], /\.wh\.x: names that begin with \.wh\./],
    ['removals of everything', [file('d/.wh..wh..opq')], /names that begin with \.wh\./],
    ['a name that is too long', [gnuLong('L', 'n'.repeat(256)), file('x')], /more than 255 bytes/],
    ['a path that is too long', [gnuLong('L', 'n/'.repeat(2100)), file('x')], /more than 4095 bytes/],
    ['a sparse file whose map lies', [{ name: 's', type: 'S', format: 'gnu', content: 'x' }], /a sparse file, but its/],
    ['the device 0:0 of an upper directory', [{ name: 'w', type: '3' }], /\/?w: it is the character device 0:0/],
    ['a symlink to nothing', [symlink('s', '')], /a symlink without a target/],
    ['an unknown type behind a good entry', [file('a'), { name: 'b', type: 'Z' }], /unknown type flag/],
  ])('%s are refused', async (_what, members, message) => {
    await expect(unpacked(members, 'file etc/passwd x')).rejects.toMatchObject({
      code: 'COPY_FAILED',
      message: expect.stringMatching(message),
      hint: expect.stringContaining('--unpack=false'),
      range: { start: { line: 1 } },
    });
  });

  it('with links in a circle are refused', async () => {
    const circle = [symlink('a', 'b'), symlink('b', 'a'), file('a/x')];
    await expect(unpacked(circle)).rejects.toThrow('/dst/a: too many levels of symbolic links');
  });

  it('that are cut short are refused', async () => {
    const bench = new CopyBench();
    const bytes = makeTar([file('a', 'x'.repeat(2000)), file('b', 'x'.repeat(2000))]);
    for (const length of [700, 3000, 4000]) {
      const cut = bench.copy(holding(bytes.subarray(0, length)), undefined, { sources: ['a.tar'], unpack: true });
      await expect(cut, String(length)).rejects.toThrow(/cannot unpack a\.tar: .*unexpected end of archive/);
    }
    const packed = gzipSync(makeTar([file('a', 'x'.repeat(2000))]));
    const half = bench.copy(holding(packed.subarray(0, packed.length - 12)), undefined, {
      sources: ['a.tar'],
      unpack: true,
    });
    await expect(half).rejects.toThrow(/cannot unpack a\.tar/);
    const noisy = gzipSync(makeTar([file('a', randomBytes(200_000).toString('latin1'))]));
    for (const length of [60_000, noisy.length - 1]) {
      const cut = bench.copy(holding(noisy.subarray(0, length)), undefined, { sources: ['a.tar'], unpack: true });
      await expect(cut, String(length)).rejects.toThrow(/cannot unpack a\.tar: damaged gzip data/);
    }
  });

  it('that begin with a header and go wrong at once are no plain files', async () => {
    const first = makeTar([{ name: 'a', type: 'Z' }]);
    for (const bytes of [first, gzipSync(first)]) {
      const added = new CopyBench().copy(holding(bytes), undefined, { sources: ['a.tar'], unpack: true });
      await expect(added).rejects.toThrow(/cannot unpack a\.tar: .*unknown type flag/);
    }
  });

  it('of any kind write nowhere but below the destination', async () => {
    const name = fc
      .array(fc.constantFrom('a', 'b', 'c', '..', '.', ''), { minLength: 1, maxLength: 4 })
      .map((names) => names.join('/'));
    const member = fc.record({ name, linkName: name, type: fc.constantFrom('0', '1', '2', '2', '5') });
    await fc.assert(
      fc.asyncProperty(fc.array(member, { maxLength: 12 }), async (members) => {
        const image = 'symlink dst/a -> /etc\nsymlink dst/b -> ../..\nfile etc/a x';
        const lines = await unpacked(
          members.filter(({ name: path }) => path !== ''),
          image,
        ).catch((error: unknown) => [error instanceof BuildError && error.code === 'COPY_FAILED' ? '' : String(error)]);
        for (const line of lines) expect(line).toMatch(/^$| dst(?:\/\S+)?(?: |$)/);
      }),
      { numRuns: 300 },
    );
  });
});
