import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { without, withoutRoot } from './support/lab.ts';
import { type Ended, run } from './support/process.ts';
import { type TestUser, testUser } from './support/test-user.ts';
import { scratch, type Tsbuild, tsbuild } from './support/tsbuild.ts';

/*
 * One user on one store, first with one id alone and then with a range of subordinate ids, as after the `usermod` that
 * tsbuild advises. Namespaces that util-linux makes stand for both: tsbuild finds itself root in them and makes none.
 */
const MAPPINGS = { single: [], range: ['--map-auto'] } as const;

describe.skipIf(withoutRoot || without('newuidmap'))(
  'a store under two mappings of ids (needs root, newuidmap)',
  () => {
    let user: TestUser;
    let builder: Tsbuild;
    let context: string;
    const as = (mapping: keyof typeof MAPPINGS, ...args: string[]): Promise<Ended> => {
      const { words, env } = builder.commandLine(args);
      const namespace = ['unshare', '--user', '--map-root-user', ...MAPPINGS[mapping], '--mount', '--'];
      const [program = '', ...rest] = words[0] === 'setpriv' ? words : [];
      const at = rest.indexOf('--') + 1;
      return run(program, [...rest.slice(0, at), ...namespace, ...rest.slice(at)], { env });
    };
    const seen = async (mapping: keyof typeof MAPPINGS, ...command: string[]): Promise<string> => {
      const { exitCode, stdout, stderr } = await as(mapping, 'run', '--rm', 'owners', ...command);
      return exitCode === 0 ? stdout.trim() : stderr;
    };

    beforeAll(async () => {
      user = await testUser();
      builder = await tsbuild({ user });
      context = await scratch();
      await writeFile(join(context, 'f'), 'x');
      const text = 'FROM busybox\nCOPY --chown=33:33 f /f\nRUN stat -c %u /f >/seen\n';
      await writeFile(join(context, 'Dockerfile'), text);
    });

    it('keeps what commands saw and made apart, from the cache and without it', async () => {
      expect(await as('single', 'build', '-q', '-t', 'owners', context)).toMatchObject({ exitCode: 0 });
      expect(await seen('single', 'cat', '/seen')).toBe('0');
      expect(await as('single', 'create', '--name', 'made-before', 'owners', 'true')).toMatchObject({ exitCode: 0 });
      const built = await as('range', 'build', '--progress', 'plain', '-t', 'owners', context);
      expect(built.stderr).toContain('user ids');
      expect(await seen('range', 'cat', '/seen')).toBe('33');
      expect(await seen('range', 'stat', '-c', '%u', '/f')).toBe('33');
      expect(await as('range', 'build', '-q', '--no-cache', '-t', 'owners', context)).toMatchObject({ exitCode: 0 });
      expect(await seen('range', 'cat', '/seen')).toBe('33');
      // And back: each has its own record.
      const again = await as('single', 'build', '--progress', 'plain', '-t', 'owners', context);
      expect(again.stderr).toMatch(/CACHED[^]*CACHED/);
      expect(await seen('single', 'cat', '/seen')).toBe('0');
      expect(await as('range', 'fsck')).toMatchObject({ exitCode: 0 });
    });

    it.each(['start', 'diff', 'commit', 'export'])(
      '%s refuses a container of the other mapping with the reason',
      async (verb) => {
        const { exitCode, stderr } = await as('range', verb, 'made-before');
        expect(stderr).toMatch(
          /was created with a different mapping of user ids, and its files would now have other owners/,
        );
        expect(exitCode).toBe(1);
      },
    );

    it('removes such a container', async () => {
      expect(await as('range', 'rm', 'made-before')).toMatchObject({ exitCode: 0 });
    });

    it('tells of owners beyond the range, where a command may have lost them', async () => {
      const other = await scratch();
      await writeFile(join(other, 'f'), 'x');
      const text = 'FROM busybox\nCOPY --chown=70000:70000 f /f\nRUN true\nRUN mv /f /moved\n';
      await writeFile(join(other, 'Dockerfile'), text);
      const warnings = async (mapping: keyof typeof MAPPINGS): Promise<readonly string[]> => {
        const { stderr } = await as(mapping, 'build', '--no-cache', '--progress', 'plain', other);
        return stderr.split('\n').filter((line) => line.includes('files owned by 70000:70000'));
      };
      expect(await warnings('range')).toHaveLength(1);
      expect(await warnings('single')).toEqual([]);
    });
  },
);
