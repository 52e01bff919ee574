import { constants } from 'node:os';
import { BuildError } from '../diagnostics/build-error.ts';

const NUMBERS: Readonly<Record<string, number | undefined>> = constants.signals;

/** The number of a signal given as `SIGTERM`, `TERM`, `term` or `15`. @throws BuildError `OPTION_INVALID` */
export function signalNumber(text: string): number {
  const number = /^\d+$/.test(text)
    ? Number(text)
    : (NUMBERS[`SIG${text.toUpperCase().replace(/^SIG/, '')}`] ?? realTime(text) ?? 0);
  if (number > 0 && number < 65) return number;
  throw new BuildError('OPTION_INVALID', `Invalid signal: ${text}`, {
    hint: 'use a name such as SIGTERM, or a number',
  });
}

/** `RTMIN+3`, as systemd's image asks for. */
function realTime(text: string): number | undefined {
  const [, base, sign = '+', offset = '0'] = /^(?:SIG)?(RTMIN|RTMAX)(?:([+-])(\d+))?$/i.exec(text) ?? [];
  if (base === undefined) return undefined;
  return (base.toUpperCase() === 'RTMIN' ? 34 : 64) + Number(`${sign}${offset}`);
}
