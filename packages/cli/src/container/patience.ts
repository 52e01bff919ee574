import { UsageError } from '../host/usage-error.ts';

/** The option `-t` of commands that end containers. */
export const patienceOption = {
  kind: 'value',
  short: 't',
  placeholder: 'SECONDS',
  describe: 'How long to wait for the signal to work (10)',
} as const;

/** Docker's patience, seconds. */
const PATIENCE = '10';

/** Seconds; less than none means that there is no end to it. @throws UsageError for what is no whole number */
export function patienceOf(text: string = PATIENCE, command: string): number {
  if (!/^-?\d+$/.test(text)) {
    throw new UsageError(`invalid --time ${JSON.stringify(text)}: expected seconds`, { command });
  }
  return Number(text);
}
