import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseIgnoreFile, readIgnoreFile } from '../../src/context/ignore-file.ts';
import { temporaryDirectory, writeTree } from './real-tree.ts';

const invalid = (message: string | RegExp) =>
  expect.objectContaining({ code: 'IGNORE_INVALID', message: expect.stringMatching(message) });

describe('parseIgnoreFile', () => {
  it('takes Windows line ends, a byte order mark and a last line without an end', () => {
    const { matcher, source } = parseIgnoreFile('x', Buffer.from('\ufefffoo\r\n# bar\r\nbaz qux\r\n!foo/keep'));
    expect(source.name).toBe('x');
    expect(['foo', '\xef\xbb\xbffoo', 'bar', 'baz qux', 'foo/keep'].map((path) => matcher.matches(path))).toEqual([
      true,
      false,
      false,
      true,
      false,
    ]);
  });

  it('sees a comment behind the byte order mark', () => {
    expect(parseIgnoreFile('x', Buffer.from('\ufeff# foo')).matcher.matches('# foo')).toBe(false);
  });

  it('keeps bytes that are not UTF-8', () => {
    const { matcher } = parseIgnoreFile('x', Buffer.from('a\xff*\n', 'latin1'));
    expect(matcher.matches('a\xffb')).toBe(true);
    expect(matcher.matches('a\xfeb')).toBe(false);
  });

  it('says file, line and pattern of a mistake, and where in the line', () => {
    expect(() => parseIgnoreFile('docker/.dockerignore', Buffer.from('a\r\n\r\n  /x/[ä\r\nb'))).toThrow(
      expect.objectContaining({
        code: 'IGNORE_INVALID',
        message: 'docker/.dockerignore:3: syntax error in pattern: "x/[ä"',
        range: { start: { line: 3, column: 0 }, end: { line: 3, column: 7 } },
        hint: expect.stringContaining('backslash'),
      }),
    );
  });
});

describe('readIgnoreFile', () => {
  it('finds nothing where nothing is', () => {
    const context = temporaryDirectory();
    expect(readIgnoreFile(context, undefined)).toBeUndefined();
    expect(readIgnoreFile(context, join(context, 'Dockerfile'))).toBeUndefined();
    expect(readIgnoreFile(join(context, 'missing'), undefined)).toBeUndefined();
  });

  it('prefers the file beside the Dockerfile, entirely', () => {
    const context = temporaryDirectory();
    writeTree(context, 'file .dockerignore common\nfile docker/web.dockerignore special');
    const special = readIgnoreFile(context, join(context, 'docker/web'));
    expect(special?.source).toEqual({ name: 'docker/web.dockerignore', text: 'special' });
    expect(special?.matcher.matches('special')).toBe(true);
    expect(special?.matcher.matches('common')).toBe(false);
    expect(readIgnoreFile(context, join(context, 'docker/other'))?.source.name).toBe('.dockerignore');
    expect(readIgnoreFile(context, undefined)?.source.text).toBe('common');
  });

  it('finds the file beside a Dockerfile that lies elsewhere', () => {
    const context = temporaryDirectory();
    const elsewhere = temporaryDirectory();
    writeTree(elsewhere, 'file Dockerfile.dockerignore foo');
    const found = readIgnoreFile(context, join(elsewhere, 'Dockerfile'));
    expect(found?.source.name).toBe(join(elsewhere, 'Dockerfile.dockerignore'));
    expect(found?.matcher.matches('foo')).toBe(true);
  });

  it('follows a symlink that stays inside', () => {
    const context = temporaryDirectory();
    writeTree(context, 'file config/ignore foo\nsymlink .dockerignore -> config/ignore');
    expect(readIgnoreFile(context, undefined)?.matcher.matches('foo')).toBe(true);
  });

  it('refuses a symlink that leaves the context, and shows nothing of what it leads to', () => {
    const context = temporaryDirectory();
    const canary = temporaryDirectory();
    writeFileSync(join(canary, 'secret'), '[canary-content');
    mkdirSync(join(context, 'sub'));
    for (const [index, target] of [join(canary, 'secret'), `../${canary}/secret`, '/etc/passwd'].entries()) {
      symlinkSync(target, join(context, `sub/${index}.dockerignore`));
      const read = (): unknown => readIgnoreFile(context, join(context, `sub/${index}`));
      expect(read).toThrow(
        invalid(/^sub\/\d\.dockerignore is a (symlink that leaves the build context|broken symlink)$/),
      );
      expect(read).not.toThrow(/canary-content/);
    }
  });

  it('refuses a symlink to nothing and one to itself: patterns must not get lost', () => {
    const context = temporaryDirectory();
    symlinkSync('gone', join(context, '.dockerignore'));
    expect(() => readIgnoreFile(context, undefined)).toThrow(invalid('is a broken symlink'));
    symlinkSync('x.dockerignore', join(context, 'x.dockerignore'));
    expect(() => readIgnoreFile(context, join(context, 'x'))).toThrow(invalid('is a broken symlink'));
  });

  it('refuses a directory, and a fifo without waiting for it', () => {
    const context = temporaryDirectory();
    mkdirSync(join(context, '.dockerignore'));
    expect(() => readIgnoreFile(context, undefined)).toThrow(invalid('^.dockerignore is a directory$'));
    execFileSync('mkfifo', [join(context, 'fifo.dockerignore')]);
    symlinkSync('fifo.dockerignore', join(context, 'link.dockerignore'));
    expect(() => readIgnoreFile(context, join(context, 'fifo'))).toThrow(invalid('is not a regular file'));
    expect(() => readIgnoreFile(context, join(context, 'link'))).toThrow(invalid('is not a regular file'));
  });

  it('refuses a socket', async () => {
    const context = temporaryDirectory();
    const server = createServer();
    await new Promise<void>((done) => server.listen(join(context, '.dockerignore'), done));
    try {
      expect(() => readIgnoreFile(context, undefined)).toThrow(invalid('is not a regular file'));
    } finally {
      server.close();
    }
  });

  it('refuses a file of gigabytes before it reads it', () => {
    const context = temporaryDirectory();
    writeFileSync(join(context, '.dockerignore'), '');
    truncateSync(join(context, '.dockerignore'), 2 ** 33);
    expect(() => readIgnoreFile(context, undefined)).toThrow(invalid('the limit is 4194304'));
  });
});
