import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Secrets } from '../../src/mounts/secrets.ts';

describe('secrets', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tsbuild-secrets-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const file = (name: string, size: number): string => {
    writeFileSync(join(directory, name), 'x'.repeat(size));
    return join(directory, name);
  };
  const secrets = new Secrets(
    new Map([
      ['file', { kind: 'file', path: file('a', 3) }],
      ['big', { kind: 'file', path: file('b', 500 * 1024 + 1) }],
      ['gone', { kind: 'file', path: join(directory, 'gone') }],
      ['env', { kind: 'env', name: 'TOKEN' }],
      ['unset', { kind: 'env', name: 'NOT_SET' }],
    ]),
    { TOKEN: 'a\nb' },
  );
  const text = (id: string): string | undefined => {
    const value = secrets.get(id);
    return value === undefined ? undefined : Buffer.from(value).toString();
  };

  it('come from files and variables', () => {
    expect(['file', 'env', 'unset', 'other'].map(text)).toEqual(['xxx', 'a\nb', '', undefined]);
  });

  it('have at most 500 KiB and a file that can be read', () => {
    expect(() => secrets.get('big')).toThrow('secret big too big. max size 500KB');
    expect(() => secrets.get('gone')).toThrow(/^cannot read the secret gone: ENOENT/);
  });
});
