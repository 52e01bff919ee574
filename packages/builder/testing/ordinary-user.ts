import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The ordinary user that rootless tests run as. */
export interface OrdinaryUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

const NAME = 'tsbuild-test';
const FIRST_ID = 524288;

/** Finds or makes (as root) an ordinary user; with subordinate ids or, under another name, without. */
export function ordinaryUser(ids: 'subordinate' | 'single'): OrdinaryUser {
  const name = ids === 'subordinate' ? NAME : `${NAME}-1`;
  if (!readFileSync('/etc/passwd', 'utf8').includes(`${name}:`)) {
    execFileSync('useradd', ['--system', '--no-create-home', '--home-dir', '/nonexistent', '--shell', '/bin/sh', name]);
  }
  for (const path of ['/etc/subuid', '/etc/subgid']) {
    const has = readFileSync(path, { encoding: 'utf8', flag: 'a+' })
      .split('\n')
      .some((line) => line.startsWith(`${name}:`));
    if (ids === 'subordinate' && !has) appendFileSync(path, `${name}:${FIRST_ID}:65536\n`);
  }
  const id = (flag: string): number => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
  return { name, uid: id('-u'), gid: id('-g') };
}

/** Arguments for `setpriv` that make a command the user's. */
export function asUser({ uid, gid }: OrdinaryUser): readonly string[] {
  return [`--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--inh-caps=-all'];
}

/** A temporary directory of the user's. */
export function userDirectory({ uid, gid }: OrdinaryUser): string {
  const path = mkdtempSync(join(tmpdir(), 'tsbuild-user-'));
  chmodSync(path, 0o755);
  chownSync(path, uid, gid);
  return path;
}
