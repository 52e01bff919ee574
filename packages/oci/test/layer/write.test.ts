import { createHash, randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryBlobStore } from '../../src/blob/memory.ts';
import { indexLayer } from '../../src/layer/read-layer.ts';
import { LayerWriter, type NewLayerEntry } from '../../src/layer/write.ts';
import { anyEntry } from '../tar/arbitrary-entry.ts';
import { chunked } from '../../testing/make-tar.ts';

const meta = { mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 1_000_000_000, nanoseconds: 0 } };
const sha256 = (content: Uint8Array | string) => createHash('sha256').update(content).digest('hex');

async function newLayer() {
  const blobs = new MemoryBlobStore();
  return { blobs, writer: new LayerWriter(await blobs.create()) };
}

/** Reads `content`, at most `step` bytes a call. */
function reader(content: Uint8Array, step = Number.POSITIVE_INFINITY) {
  let at = 0;
  return (buffer: Uint8Array) => {
    const piece = content.subarray(at, at + Math.min(step, buffer.length));
    buffer.set(piece);
    at += piece.length;
    return piece.length;
  };
}

async function bytesOf(blobs: MemoryBlobStore, digest: Parameters<MemoryBlobStore['open']>[0]): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of blobs.open(digest)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const file = (path: string, size?: number): NewLayerEntry => ({
  ...meta,
  path,
  type: 'file',
  ...(size ? { size } : {}),
});
const dir = (path: string): NewLayerEntry => ({ ...meta, path, type: 'directory', mode: 0o755 });

describe('a layer', () => {
  it('without entries is two zero blocks', async () => {
    const { writer } = await newLayer();
    const layer = await writer.finish();
    expect(layer).toMatchObject({
      digest: 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef',
      size: 1024,
    });
    expect(layer.index.length).toBe(0);
  });

  it('tells its digest, size and index, the same as reading it back tells', async () => {
    const { blobs, writer } = await newLayer();
    writer.add(dir('etc'));
    expect(await writer.addFile(file('etc/hello', 5), reader(Buffer.from('hello')))).toBe(sha256('hello'));
    writer.add({ ...meta, path: 'etc/hard', type: 'hardlink', linkPath: 'etc/hello' });
    writer.add({ ...meta, path: 'etc/soft', type: 'symlink', mode: 0o777, linkPath: '/x' });
    writer.add({ ...meta, path: 'dev', type: 'block', devMajor: 8, devMinor: 1 });
    writer.add(file('empty'));
    writer.whiteout('etc/gone');
    expect([writer.count, writer.has('etc/hello'), writer.has('etc/no'), writer.has('etc')]).toEqual([
      7,
      true,
      false,
      true,
    ]);
    const layer = await writer.finish();
    const bytes = await bytesOf(blobs, layer.digest);
    expect(layer).toMatchObject({ digest: `sha256:${sha256(bytes)}`, size: bytes.length });
    const read = await indexLayer(chunked(bytes, 700));
    expect([...layer.index.entries()]).toEqual([...read.index.entries()]);
    expect(layer.index.get('etc/.wh.gone')).toMatchObject({ mode: 0, uid: 0, gid: 0, size: 0, mtime: { seconds: 0 } });
    const hello = layer.index.get('etc/hello');
    expect(bytes.toString('latin1', hello?.offset, (hello?.offset ?? 0) + 5)).toBe('hello');
  });

  it('of any entries reads back as they were given', async () => {
    const entries = fc.uniqueArray(anyEntry(fc.constant(0)), { selector: ({ path }) => path, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(entries, async (given) => {
        const { blobs, writer } = await newLayer();
        const accepted = given.filter((entry) => {
          try {
            writer.add(entry);
            return true;
          } catch {
            // Links without a target and entries below files: refused, and nothing of them written.
            return false;
          }
        });
        const layer = await writer.finish();
        const read = await indexLayer(blobs.open(layer.digest));
        expect([...layer.index.entries()]).toEqual([...read.index.entries()]);
        expect(layer.index.length).toBe(accepted.length);
        for (const entry of accepted) {
          const mtime = { seconds: entry.mtime.seconds, nanoseconds: 0 };
          expect(layer.index.get(entry.path)).toMatchObject({ ...entry, mtime });
        }
      }),
      { numRuns: 60 },
    );
  });

  it('holds files of every size around its buffers, read in pieces of any size', async () => {
    const { blobs, writer } = await newLayer();
    const MiB = 1024 * 1024;
    const sizes = [0, 1, 511, 512, 513, 524_287, 524_288, 524_289, MiB - 512, MiB - 1, MiB, MiB + 1, 3 * MiB + 17, 5];
    const contents = new Map(sizes.map((size) => [`f${size}`, randomBytes(size)]));
    for (const [path, content] of contents) {
      const step = path.length % 2 === 0 ? 99_991 : undefined;
      expect(await writer.addFile(file(path, content.length), reader(content, step))).toBe(sha256(content));
    }
    const layer = await writer.finish();
    const bytes = await bytesOf(blobs, layer.digest);
    for (const [path, content] of contents) {
      const offset = layer.index.get(path)?.offset ?? 0;
      expect(bytes.subarray(offset, offset + content.length).equals(content)).toBe(true);
    }
    const listed = execFileSync('tar', ['-tf', '-'], { input: bytes });
    expect(listed.toString().trimEnd().split('\n')).toEqual([...contents.keys()]);
  });

  it('has whole seconds only', async () => {
    const { writer } = await newLayer();
    writer.add({ ...file('a'), mtime: { seconds: -2, nanoseconds: 500_000_000 } });
    expect((await writer.finish()).index.get('a')?.mtime).toEqual({ seconds: -2, nanoseconds: 0 });
  });

  it('lets timers run while it is written', async () => {
    const { writer } = await newLayer();
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const content = Buffer.alloc(20 * 1024 * 1024);
    await writer.addFile(file('big', content.length), reader(content));
    clearInterval(timer);
    await writer.discard();
    expect(ticks).toBeGreaterThan(0);
  });

  it('that is discarded leaves nothing', async () => {
    const { blobs, writer } = await newLayer();
    writer.add(file('a'));
    await writer.discard();
    const left: unknown[] = [];
    for await (const blob of blobs.list()) left.push(blob);
    expect(left).toEqual([]);
  });
});

describe('a file that changes while it is read', () => {
  it.each([
    ['shorter', 10, 7],
    ['longer', 10, 11],
    ['shorter', 2_000_000, 1_999_999],
    ['longer', 2_000_000, 2_000_001],
    ['longer', 0, 1],
    ['shorter', 1, 0],
    ['longer', 1_047_552, 1_047_553],
  ])('%s: is refused (%i bytes, then %i)', async (how, size, actual) => {
    for (const step of [undefined, 65_536]) {
      const { writer } = await newLayer();
      const added = writer.addFile(file('f', size), reader(Buffer.alloc(actual), step));
      await expect(added).rejects.toMatchObject({ code: 'LAYER_INVALID' });
      await expect(added).rejects.toThrow(
        `file changed while it was read: 'f' is ${how} than the ${size} bytes it had`,
      );
      await expect(writer.finish()).rejects.toThrow('not complete');
      expect(() => writer.add(file('g'))).toThrow('not complete');
    }
  });

  it('breaks the layer also when reading throws', async () => {
    const { writer } = await newLayer();
    const failing = () => {
      throw new Error('EIO');
    };
    await expect(writer.addFile(file('f', 10), failing)).rejects.toThrow('EIO');
    await expect(writer.finish()).rejects.toMatchObject({ code: 'LAYER_INVALID' });
  });
});

describe('the rules', () => {
  type Step = (writer: LayerWriter) => void;
  const add =
    (entry: NewLayerEntry): Step =>
    (writer) =>
      writer.add(entry);
  const hardlink = (path: string, linkPath: string) => add({ ...meta, path, type: 'hardlink', linkPath });
  const symlink = (path: string) => add({ ...meta, path, type: 'symlink', linkPath: 'x' });
  const whiteout =
    (path: string): Step =>
    (writer) =>
      writer.whiteout(path);

  it.each<[string, readonly Step[], RegExp]>([
    ['a path that comes twice', [add(file('a')), add(file('a'))], /'a': it is in the layer twice/],
    ['a directory that comes twice', [add(dir('a')), add(dir('a'))], /it is in the layer twice/],
    ['a whiteout that comes twice', [whiteout('a'), whiteout('a')], /it is in the layer twice/],
    ['a name before its whiteout', [add(file('d/a')), whiteout('d/a')], /whiteout must come before it is added again/],
    ['content before the whiteout of its directory', [add(file('d/a')), whiteout('d')], /whiteout must come before/],
    ['the device 0:0', [add({ ...meta, path: 'a', type: 'char' })], /'a': a 0:0 character device/],
    ['an absolute path', [add(file('/a'))], /not a clean path/],
    ['a file as the root', [add(file(''))], /not a clean path/],
    ['the root twice', [add(dir('')), add(dir(''))], /the root is in the layer twice/],
    ['..', [add(file('a/../b'))], /not a clean path/],
    ['a leading ./', [add(file('./a'))], /not a clean path/],
    ['a trailing slash', [add(dir('a/'))], /not a clean path/],
    ['a NUL byte', [add(file('a\0b'))], /not a clean path/],
    ['a whiteout of ..', [whiteout('a/..')], /not a clean path/],
    ['a name that begins with .wh.', [add(file('d/.wh.x'))], /names that begin with \.wh\. are reserved for removals/],
    [
      'a directory that begins with .wh.',
      [add(file('.wh.d/x'))],
      /names that begin with \.wh\. are reserved for removals/,
    ],
    ['a hard link before its target', [hardlink('b', 'a')], /'b': the target of a hard link must be a file/],
    ['a hard link to a directory', [add(dir('a')), hardlink('b', 'a')], /the target of a hard link must be a file/],
    ['a hard link to itself', [hardlink('b', 'b')], /the target of a hard link must be a file/],
    ['an entry below a file', [add(file('a')), add(file('a/b'))], /'a\/b': it is below a file/],
    ['an entry deep below a symlink', [symlink('a'), add(file('a/b/c'))], /'a\/b\/c': it is below a symlink/],
    ['a whiteout below a symlink', [symlink('a'), whiteout('a/b')], /'a\/\.wh\.b': it is below a symlink/],
    ['a file over implied directories', [add(file('a/b/c')), add(file('a/b'))], /'a\/b': a file with entries below it/],
    ['content without addFile', [add(file('a', 5))], /'a': content is added by addFile/],
    [
      'an attribute of overlayfs',
      [add({ ...dir('a'), xattrs: new Map([['trusted.overlay.opaque', Buffer.from('y')]]) })],
      /the attribute trusted\.overlay\.opaque is reserved for overlayfs/,
    ],
  ])('refuse %s', async (_, steps, message) => {
    const { writer } = await newLayer();
    for (const step of steps.slice(0, -1)) step(writer);
    const count = writer.count;
    expect(() => steps.at(-1)?.(writer)).toThrow(message);
    // Nothing of the refused entry is in the layer, which can still be finished.
    expect(writer.count).toBe(count);
    expect((await writer.finish()).index.length).toBe(count);
  });

  it.each<[string, readonly Step[]]>([
    ['a whiteout, then the name again', [whiteout('d'), add(dir('d')), add(file('d/a'))]],
    ['a directory after its content', [add(file('d/a')), add(dir('d'))]],
    ['names that share a beginning', [add(file('a')), add(dir('a-b')), add(file('a-b/c')), add(file('ab/c'))]],
    ['..., and names with dots', [add(file('...')), add(file('.a')), add(file('a.')), add(file('..b/.c'))]],
    ['a name with .wh. inside', [add(file('a.wh.b'))]],
  ])('allow %s', async (_, steps) => {
    const { writer } = await newLayer();
    for (const step of steps) step(writer);
    expect((await writer.finish()).index.length).toBe(steps.length);
  });

  it('refuse a file as a directory in addFile too', async () => {
    const { writer } = await newLayer();
    await expect(writer.addFile(dir('d'), () => 0)).rejects.toThrow('a directory cannot have content');
  });
});
