import { chmodSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readCode, writeCode } from '../src/start/code-cache.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsbuild-code-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('kept code', () => {
  const path = join(folder, 'made/code');
  const code = { code: Buffer.from('code'), runs: 2 };

  it('comes back as it was', () => {
    writeCode(path, code);
    expect(readCode(path)).toEqual(code);
  });

  it('is not taken when others may write it, through a link, or when one bit is wrong', () => {
    writeCode(path, code);
    symlinkSync(path, join(folder, 'link'));
    expect(readCode(join(folder, 'link'))).toBeUndefined();
    chmodSync(path, 0o620);
    expect(readCode(path)).toBeUndefined();
    writeFileSync(join(folder, 'flipped'), Buffer.concat([Buffer.alloc(8), code.code]));
    expect(readCode(join(folder, 'flipped'))).toBeUndefined();
    expect(readCode(join(folder, 'missing'))).toBeUndefined();
  });

  it('takes what is a month old away with it', () => {
    for (const name of ['old', 'new']) writeFileSync(join(folder, 'made', name), 'x');
    const month = Date.now() / 1000 - 31 * 24 * 60 * 60;
    utimesSync(join(folder, 'made/old'), month, month);
    writeCode(path, code);
    expect(readdirSync(join(folder, 'made')).toSorted()).toEqual(['code', 'new']);
  });

  it('fails silently where nothing can be written', () => {
    writeFileSync(join(folder, 'file'), '');
    writeCode(join(folder, 'file/code'), code);
    expect(readCode(join(folder, 'file/code'))).toBeUndefined();
  });
});
