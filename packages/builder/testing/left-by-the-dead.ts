import { temporaryPath } from '@tsbuild/oci/internal';

/** A name as `temporaryPath` gives it, of a process that surely does not run, in this world. */
export function leftByTheDead(what: string): string {
  const [, world = ''] = /-\d+-([0-9a-f]{8})-[0-9a-f]{16}\.tmp$/.exec(temporaryPath('', 'x')) ?? [];
  return `.${what}.999999999-1-${world}-${'0'.repeat(16)}.tmp`;
}
