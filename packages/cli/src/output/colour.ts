import type { OutputStream } from '../host/host.ts';

/** True when colours help: on a terminal that can show them, unless NO_COLOR (https://no-color.org) is set. */
export function usesColour(stream: OutputStream, env: Readonly<Record<string, string | undefined>>): boolean {
  return stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

const CODES = { red: 31, yellow: 33, blue: 34, bold: 1, dim: 2 } as const;

/** `text` in a colour or weight, or as it is when `on` is false. */
export function paint(text: string, style: keyof typeof CODES, on: boolean): string {
  return on ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text;
}
