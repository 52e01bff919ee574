import { requireTool } from './host-tools.ts';

/*
 * The signal is sent to who has asked for it (prctl(2), PR_SET_PDEATHSIG). If we are killed before `setpriv` has asked, nobody
 * sends one: the program would live on, with all that it starts. Afterwards it is enough that its parent is still this process.
 */
const STILL_OURS = '[ "$PPID" = "$0" ] || exit 1; exec "$@"';

/** Words that start a program which ends when this process does, however that ends and at whatever moment. */
export function endingWithUs(command: readonly string[]): readonly [string, readonly string[]] {
  const check = ['/bin/sh', '-c', STILL_OURS, String(process.pid)];
  return [requireTool('setpriv'), ['--pdeathsig', 'KILL', ...check, ...command]];
}
