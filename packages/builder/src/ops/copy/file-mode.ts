import { BuildError } from '../../diagnostics/build-error.ts';

/** What `--chmod` makes of a mode (0 … 0o7777). */
export type ModeChange = (mode: number, isDirectory: boolean) => number;

/** `--chmod`, as written and as it was understood. */
export interface ModeOption {
  readonly text: string;
  readonly change: ModeChange;
}

const ALL_WHO = 0o7777;
/** The bits that each letter of `who` stands for, setuid, setgid and sticky included. */
const WHO: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: ALL_WHO };
const PERMISSIONS: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111, s: 0o6000, t: 0o1000 };

/**
 * Reads the value of `--chmod`: an octal number that replaces the mode, or the symbols of chmod(1), such as
 * `u=rwX,go=rX`, that change it. No umask is applied.
 * @throws BuildError `DOCKERFILE_INVALID`
 */
export function parseModeChange(text: string): ModeChange {
  if (/^[0-7]+$/.test(text) && Number.parseInt(text, 8) <= 0o7777) {
    const mode = Number.parseInt(text, 8);
    return () => mode;
  }
  const clauses = text.split(',').map(parseClause);
  if (clauses.includes(undefined)) {
    throw new BuildError(
      'DOCKERFILE_INVALID',
      `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`,
      { hint: 'symbolic modes such as u=rwX,go=rX also work' },
    );
  }
  return (mode, isDirectory) =>
    clauses.reduce((current, clause) => clause?.(current, mode, isDirectory) ?? current, mode);
}

/** Changes `current`; `X` looks at the mode as it was before any clause. */
type Clause = (current: number, original: number, isDirectory: boolean) => number;

function parseClause(text: string): Clause | undefined {
  const match = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/.exec(text);
  if (match === null) return undefined;
  const [, letters = '', actions = ''] = match;
  const who = letters === '' ? ALL_WHO : [...letters].reduce((bits, letter) => bits | (WHO[letter] ?? 0), 0);
  const steps = [...actions.matchAll(/([-+=])([rwxXst]*|[ugo])(?=[-+=]|$)/g)];
  return (current, original, isDirectory) =>
    steps.reduce((mode, [, operator = '', what = '']) => {
      const bits = bitsOf(what, mode, original, isDirectory) & who;
      if (operator === '+') return mode | bits;
      if (operator === '-') return mode & ~bits;
      // The sticky bit belongs to nobody: only those who speak of everybody take it away.
      const cleared = letters === '' || letters.includes('a') ? who : who & ~0o1000;
      return (mode & ~cleared) | bits;
    }, current);
}

function bitsOf(what: string, mode: number, original: number, isDirectory: boolean): number {
  const copied = { u: mode >> 6, g: mode >> 3, o: mode }[what];
  if (copied !== undefined) return (copied & 7) * 0o111;
  let bits = 0;
  for (const letter of what) {
    if (letter === 'X') bits |= isDirectory || (original & 0o111) !== 0 ? 0o111 : 0;
    else bits |= PERMISSIONS[letter] ?? 0;
  }
  return bits;
}
