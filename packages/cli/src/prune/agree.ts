import { CommandError } from '../host/usage-error.ts';
import type { Host } from '../host/host.ts';
import { askOnTerminal } from '../registry/prompt.ts';

/** Docker's question before something is removed. @throws CommandError when nobody can be asked */
export async function agreed(warning: string, host: Host): Promise<boolean> {
  if (host.stdin.isTTY !== true)
    throw new CommandError('cannot ask for confirmation: standard input is not a terminal', { hint: 'use --force' });
  const answer = await askOnTerminal(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `, host);
  return /^y(?:es)?$/i.test(answer?.trim() ?? '');
}
