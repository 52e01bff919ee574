import { existsSync } from 'node:fs';
import { asUser, ordinaryUser, type OrdinaryUser } from '../packages/builder/testing/ordinary-user.ts';
import type { Place } from './places.ts';

/** Who builds, and how commands are run. */
export interface Mode {
  readonly name: string;
  readonly isolation: 'runc' | 'namespaces';
  /** The words before the builder's own. */
  readonly prefix: readonly string[];
  /** Who owns store and checkouts; undefined for who runs this. */
  readonly user?: OrdinaryUser;
  /** Which stages this mode can build. */
  readonly targets: readonly string[];
}

/** Where and how one store's builds are made. */
export interface Cell {
  readonly place: Place;
  readonly mode: Mode;
  readonly umask: string;
  readonly locale: Locale;
}

/** `TZ`, and `LANG` with `LC_ALL`. */
export interface Locale {
  readonly zone: string;
  readonly language: string;
}

const UMASKS = ['022', '077'] as const;

/** A zone with quarter hours, one that is a day ahead; a language whose i is another, one that is not UTF-8. */
const LOCALES: readonly Locale[] = [
  { zone: 'UTC', language: 'C' },
  { zone: 'Asia/Kathmandu', language: 'tr_TR.UTF-8' },
  { zone: 'America/St_Johns', language: 'de_DE.ISO-8859-1' },
  { zone: 'Pacific/Kiritimati', language: 'C.UTF-8' },
];

/** The modes of this machine, and why others are not among them. */
export function modes(): { readonly offered: readonly Mode[]; readonly missing: readonly string[] } {
  const all = ['plain', 'owned'];
  const util: Mode = { name: 'root, util-linux', isolation: 'namespaces', prefix: [], targets: all };
  if (process.geteuid?.() !== 0) {
    const own: Mode = { ...util, name: 'user, util-linux' };
    return { offered: [own], missing: ['modes of other users: only root can become them'] };
  }
  const runc = ['/usr/sbin/runc', '/usr/bin/runc', '/usr/bin/crun', '/usr/local/bin/runc'].some((path) =>
    existsSync(path),
  );
  const subuids = existsSync('/usr/bin/newuidmap');
  const offered = [
    ...(runc ? [{ ...util, name: 'root, runc', isolation: 'runc' } as const] : []),
    util,
    ...(subuids ? [ofUser('user, subuids', ordinaryUser('subordinate'), all)] : []),
    ofUser('user, single id', ordinaryUser('single'), ['plain']),
  ];
  const missing = [
    ...(runc ? [] : ['root, runc: there is no runc']),
    ...(subuids ? [] : ['user, subuids: there is no newuidmap']),
  ];
  return { offered, missing };
}

function ofUser(name: string, user: OrdinaryUser, targets: readonly string[]): Mode {
  return { name, isolation: 'namespaces', prefix: ['setpriv', ...asUser(user)], user, targets };
}

/**
 * Every filesystem with every mode and every umask; zones and languages take turns, so that each meets each of the others. The
 * short form has every filesystem, mode and umask, but not every pair.
 */
export function cells(places: readonly Place[], offered: readonly Mode[], short: boolean): readonly Cell[] {
  const rows = short
    ? Array.from({ length: Math.max(places.length, offered.length) }, (_, i) => [i, i, i] as const)
    : places.flatMap((_, p) => offered.flatMap((_mode, m) => UMASKS.map((_umask, u) => [p, m, u] as const)));
  return rows.flatMap(([p, m, u]) => {
    const [place, mode] = [taken(places, p), taken(offered, m)];
    if (place === undefined || mode === undefined) return [];
    return [{ place, mode, umask: taken(UMASKS, u) ?? '022', locale: localeOf(p + m + u) }];
  });
}

/** Another one for each number, round and round. */
export function localeOf(number: number): Locale {
  return taken(LOCALES, number) ?? { zone: 'UTC', language: 'C' };
}

function taken<T>(list: readonly T[], number: number): T | undefined {
  return list[number % list.length];
}
