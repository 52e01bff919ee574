import { describe, expect, it } from 'vitest';
import { readTar } from '../../src/tar/reader.ts';
import { chunked, gnuLong, makeTar, paxHeader } from '../../testing/make-tar.ts';
import { namesOf, readAll } from './read-all.ts';

const hello = makeTar([{ name: 'hello.txt', content: 'hello', mtime: 1, uid: 3, mode: 0o100755 }]);

describe('a plain archive', () => {
  it('tells entries, where their content lies, and the content', async () => {
    const [member] = await readAll(hello);
    expect(member).toMatchObject({ path: 'hello.txt', type: 'file', mode: 0o755, uid: 3, offset: 512, text: 'hello' });
    expect(Buffer.from(hello).toString('latin1', 512, 517)).toBe('hello');
  });

  it('skips what nobody read, wholly or partly', async () => {
    const archive = makeTar([{ name: 'a', content: 'x'.repeat(5000) }, { name: 'b', content: 'yy' }, { name: 'c' }]);
    expect(await namesOf(archive, 700)).toEqual(['a', 'b', 'c']);
    const names: string[] = [];
    for await (const { entry, content } of readTar(chunked(archive, 700))) {
      names.push(entry.path);
      for await (const piece of content) if (piece.length > 0) break;
    }
    expect(names).toEqual(['a', 'b', 'c']);
  });

  it('refuses content that is read too late', async () => {
    const members = readTar(chunked(makeTar([{ name: 'a', content: 'x'.repeat(600) }, { name: 'b' }]), 512));
    const first = await members.next();
    await members.next();
    const late = async () => {
      for await (const _ of first.value?.content ?? []) break;
    };
    await expect(late()).rejects.toThrow('read after the next member was asked for');
  });

  it('closes its source when it is left early', async () => {
    let closed = false;
    const source = async function* () {
      try {
        yield* chunked(hello, 100);
      } finally {
        closed = true;
      }
    };
    for await (const _ of readTar(source())) break;
    expect(closed).toBe(true);
  });
});

describe('the end', () => {
  const one = makeTar([{ name: 'a', content: 'x' }], { end: false });

  it.each([
    ['two zero blocks', new Uint8Array(1024)],
    ['one zero block', new Uint8Array(512)],
    ['nothing', new Uint8Array()],
    ['zero blocks and GNU padding', new Uint8Array(10240)],
    ['data after the end', Buffer.concat([new Uint8Array(1024), hello])],
  ])('may be %s, and the source is read to its end', async (_, end) => {
    let bytes = 0;
    const source = async function* () {
      for await (const chunk of chunked(Buffer.concat([one, end]), 300)) {
        bytes += chunk.length;
        yield chunk;
      }
    };
    const names: string[] = [];
    for await (const { entry } of readTar(source())) names.push(entry.path);
    expect(names).toEqual(['a']);
    expect(bytes).toBe(one.length + end.length);
  });

  it('may come before the last padding', async () => {
    expect(await namesOf(one.subarray(0, 600))).toEqual(['a']);
  });

  it('of an empty source is the end of an empty archive', async () => {
    expect(await namesOf(new Uint8Array())).toEqual([]);
  });

  it.each([
    ['in a header', 100, 'unexpected end of archive in a header'],
    ['in content', 514, "unexpected end of archive in 'hello.txt'"],
  ])('cut short %s is refused', async (_, length, message) => {
    await expect(namesOf(hello.subarray(0, length))).rejects.toThrow(message);
    await expect(readAll(hello.subarray(0, length), 64)).rejects.toMatchObject({ code: 'TAR_INVALID' });
  });

  it('after an extended header is refused', async () => {
    const archive = makeTar([paxHeader({ path: 'p' })]);
    await expect(namesOf(archive)).rejects.toThrow('unexpected end of archive after an extended header');
    await expect(namesOf(archive.subarray(0, 700))).rejects.toThrow('unexpected end of archive');
  });

  it('is not one zero block between members', async () => {
    const archive = Buffer.concat([one, new Uint8Array(512), hello]);
    await expect(namesOf(archive)).rejects.toThrow('a single zero block is between members');
  });
});

describe('PAX and GNU extensions', () => {
  it('put raw bytes into names, targets and attributes', async () => {
    const [member] = await readAll(
      makeTar([
        paxHeader({
          path: 'na\xff\nme',
          linkpath: 't\xfe',
          uid: '4294967295',
          gid: '5000000',
          mtime: '-1.5',
          'SCHILY.xattr.security.capability': Buffer.from([1, 0, 10, 0xff]),
          hdrcharset: 'BINARY',
          comment: 'ignored',
        }),
        { name: 'short', type: '2', linkName: 'short' },
      ]),
    );
    expect(member).toMatchObject({
      path: 'na\xff\nme',
      linkPath: 't\xfe',
      uid: 4294967295,
      gid: 5000000,
      mtime: { seconds: -2, nanoseconds: 500_000_000 },
    });
    expect(member?.xattrs?.get('security.capability')).toEqual(new Uint8Array([1, 0, 10, 0xff]));
  });

  it('speak of the next member only', async () => {
    const archive = makeTar([paxHeader({ path: 'first', uid: '7' }), { name: 'a' }, { name: 'b' }]);
    expect((await readAll(archive)).map(({ path, uid }) => [path, uid])).toEqual([
      ['first', 7],
      ['b', 0],
    ]);
  });

  it('take a record back with an empty value', async () => {
    expect(await namesOf(makeTar([paxHeader({ path: '' }), { name: 'header' }]))).toEqual(['header']);
  });

  it('of every member are ignored', async () => {
    const archive = makeTar([paxHeader({ path: 'global', uid: '5' }, 'g'), { name: 'a' }, { name: 'b' }]);
    expect((await readAll(archive)).map(({ path, uid }) => [path, uid])).toEqual([
      ['a', 0],
      ['b', 0],
    ]);
  });

  it('of GNU hold long names and targets', async () => {
    const name = `${'n'.repeat(300)}\xe9`;
    const target = 't'.repeat(200);
    const archive = makeTar([
      gnuLong('K', target),
      gnuLong('L', name),
      { name: name.slice(0, 100), type: '2', linkName: target.slice(0, 100), format: 'gnu' },
    ]);
    expect(await readAll(archive, 100)).toMatchObject([{ path: name, linkPath: target }]);
  });

  it('negative base-256 times', async () => {
    const [member] = await readAll(makeTar([{ name: 'a', format: 'gnu', mtime: -86400 }]));
    expect(member?.mtime).toEqual({ seconds: -86400, nanoseconds: 0 });
  });

  it('the directories of old archives', async () => {
    const archive = makeTar([
      { name: 'd/', type: '\0', format: 'v7' },
      { name: 'f', type: '\0', format: 'v7' },
    ]);
    expect((await readAll(archive)).map(({ type }) => type)).toEqual(['directory', 'file']);
  });

  it('sizes of what has no content are passed over', async () => {
    const archive = makeTar([
      { name: 'd/', type: '5', size: 4096 },
      { name: 'l', type: '1', linkName: 'x', size: 99 },
    ]);
    expect((await readAll(archive)).map(({ path, size }) => [path, size])).toEqual([
      ['d/', 0],
      ['l', 0],
    ]);
  });
});
