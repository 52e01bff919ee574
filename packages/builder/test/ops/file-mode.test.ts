import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseModeChange } from '../../src/ops/copy/file-mode.ts';

describe('--chmod', () => {
  it.each<[string, number, boolean, number]>([
    ['640', 0o777, false, 0o640],
    ['04755', 0o000, true, 0o4755],
    ['0', 0o777, false, 0],
    ['u=rwX,go=rX', 0o600, false, 0o644],
    ['u=rwX,go=rX', 0o700, false, 0o755],
    ['u=rwX,go=rX', 0o600, true, 0o755],
    ['+x', 0o644, false, 0o755],
    ['a-w', 0o777, false, 0o555],
    ['go-rwx', 0o755, true, 0o700],
    ['u+s,+t', 0o755, false, 0o5755],
    ['g=u', 0o750, false, 0o770],
    ['o=g-w', 0o770, false, 0o775],
    ['u=', 0o755, false, 0o055],
    ['ug+rw,o=', 0o005, false, 0o660],
  ])('%s on %o', (text, mode, isDirectory, expected) => {
    expect(parseModeChange(text)(mode, isDirectory).toString(8)).toBe(expected.toString(8));
  });

  it.each(['0999', '8', '10000', 'u', 'x', 'u=q', '=r,', 'z+x', '-1', ' 755'])('refuses %j', (text) => {
    expect(() => parseModeChange(text)).toThrow(`invalid chmod parameter: '${text}'`);
  });

  it('does what chmod(1) does', () => {
    const directory = mkdtempSync(join(tmpdir(), 'tsbuild-mode-'));
    const path = join(directory, 'file');
    writeFileSync(path, '');
    const action = fc.tuple(fc.constantFrom('+', '-', '='), fc.stringMatching(/^(?:[rwxX]{0,3}|[ugo])$/));
    const clause = fc
      .tuple(fc.stringMatching(/^[ugoa]{1,2}$/), action)
      .map(([who, [op, what]]) => `${who}${op}${what}`);
    const modes = fc.array(clause, { minLength: 1, maxLength: 3 });
    try {
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 0o777 }), modes, (mode, clauses) => {
          // Where X comes after another clause, chmod looks at the mode in between, and BuildKit at the file's own.
          fc.pre(clauses.slice(1).every((text) => !text.includes('X')));
          chmodSync(path, mode);
          execFileSync('chmod', [clauses.join(','), path]);
          expect(parseModeChange(clauses.join(','))(mode, false)).toBe(statSync(path).mode & 0o7777);
        }),
        { numRuns: 60 },
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
