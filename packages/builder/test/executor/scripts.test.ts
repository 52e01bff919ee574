import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stageMounts } from '../../src/executor/staged-mounts.ts';

const PROJECT = resolve(import.meta.dirname, '../../../..');
const EXECUTOR = join(PROJECT, 'packages/builder/src/executor');
const SCRIPTS = join(EXECUTOR, 'scripts');
const names = readdirSync(SCRIPTS).filter((name) => name.endsWith('.sh'));

describe('shell programs of the sandbox', () => {
  it.each(names)('%s is one for /bin/sh, and says what it is for', (name) => {
    const text = readFileSync(join(SCRIPTS, name), 'utf8');
    expect(text).toMatch(/^#!\/bin\/sh\n# [A-Z]/);
    expect(text.endsWith('\n')).toBe(true);
    expect(spawnSync('/bin/sh', ['-n'], { input: text }).status).toBe(0);
  });

  it('are the only ones: no source has a program of several lines in a string', () => {
    const sources = readdirSync(EXECUTOR, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    const inStrings = sources.filter((name) =>
      /`[^`]*"\$[A-Z]+"[^`]*`/.test(readFileSync(join(EXECUTOR, name), 'utf8').replaceAll(/^ \*.*$|\/\/.*$/gm, '')),
    );
    expect(inStrings).toEqual([]);
  });

  it('read what they are to do as words: no path of a mount is among them', () => {
    const evil = '/srv/\'; touch /pwned; $(id) `id` "x';
    const staged = stageMounts(
      [
        { target: 'a', file: false, readOnly: false, source: { kind: 'host', path: evil } },
        {
          target: 'b',
          file: true,
          readOnly: true,
          source: { kind: 'memory', content: Buffer.from(evil), mode: 0o400, uid: 1, gid: 2 },
        },
      ],
      { stage: '/stage', descriptor: 7, ids: { nested: false }, texts: [] },
    );
    expect(staged.script).toBe(readFileSync(join(SCRIPTS, 'stage.sh'), 'utf8'));
    expect(staged.env['STAGE_STEPS']?.split('\n')).toEqual([
      expect.stringMatching(/^cut p0 1 \d+$/),
      expect.stringMatching(/^cut p1 \d+ \d+$/),
      'cut-end - - -',
      'directory m0 - -',
      'file m1 - -',
      'own p0 1:2 400',
      'mount p1 - -',
    ]);
  });

  describe('in the library that is published', () => {
    const dist = mkdtempSync(join(tmpdir(), 'tsbuild-bundle-'));
    afterAll(() => rmSync(dist, { recursive: true, force: true }));

    it('are texts of the bundle', () => {
      execFileSync(process.execPath, [join(PROJECT, 'scripts/bundle-builder.mjs'), dist], { stdio: 'pipe' });
      const bundle = readdirSync(dist)
        .filter((name) => name.endsWith('.js'))
        .map((name) => readFileSync(join(dist, name), 'utf8'))
        .join('\n');
      for (const name of names) {
        const [, first = ''] = readFileSync(join(SCRIPTS, name), 'utf8').split('\n');
        expect(bundle, name).toContain(
          JSON.stringify(first.slice(0, 60)).slice(1, -1).replaceAll('`', '\\`').slice(0, 20),
        );
      }
    });
  });
});
