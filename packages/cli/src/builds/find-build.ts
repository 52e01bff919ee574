import { resolve, sep } from 'node:path';
import type { BuildRecord, Store } from '@tsbuild/builder';
import { familiarName, imageIdOf, parseReference } from '@tsbuild/oci/node';
import type { Host } from '../host/host.ts';
import { CommandError, UsageError } from '../host/usage-error.ts';

/** What commands of builds take, for their help. */
export const ONE_BUILD =
  'a BUILD: an id of builds ls, an IMAGE for its last build, or last; with ^N the Nth before that one';

const REFERENCE = /^(.*?)(?:\^(\d{0,4}))?$/s;
const ID = /^[0-9a-z]{12}$/;

/**
 * The build that is meant: `last`, an id, an image; behind it `^` or `^2` for builds before that one.
 * @throws CommandError, UsageError
 */
export async function findBuild(text: string, store: Store): Promise<BuildRecord> {
  const [, name = '', back] = REFERENCE.exec(text) ?? [];
  const steps = back === undefined ? 0 : Number(back === '' ? 1 : back);
  const asked = name === '' ? 'last' : name;
  const builds = await buildsFrom(asked, store, steps);
  const found = builds[steps];
  if (found !== undefined) return found;
  const hint = 'builds ls lists the builds that are kept: the last 20 of each image';
  throw new CommandError(absent(asked, builds.length), { hint });
}

function absent(asked: string, kept: number): string {
  if (kept === 0) return asked === 'last' ? 'there is no build yet' : `no build of ${asked} is recorded`;
  return kept === 1 ? `no build before ${asked} is kept` : `only ${kept} builds up to ${asked} are kept`;
}

/** The build that is meant and those before it, the latest first. */
async function buildsFrom(name: string, store: Store, back: number): Promise<readonly BuildRecord[]> {
  const { builds } = store;
  if (name === 'last') return builds.list(back + 1);
  const own = ID.test(name) ? builds.find(name) : undefined;
  if (own !== undefined) return [own, ...builds.others(own).filter(({ id }) => id < own.id)];
  const reference = familiar(name);
  const named = reference === undefined ? [] : builds.named(reference);
  if (named.length > 0) return named;
  const image = await store.layout.resolve(name);
  const record = builds.get(imageIdOf(image)) ?? builds.get(image.id);
  return record === undefined ? [] : [record, ...builds.others(record).filter(({ id }) => id < record.id)];
}

/** The builds of an image, of a project (a path: `.`, `./web`, `/src/app`), or all of them. @throws UsageError */
export function listBuilds(
  what: string | undefined,
  { store, most, host }: { readonly store: Store; readonly most: number; readonly host: Pick<Host, 'cwd'> },
): readonly BuildRecord[] {
  if (what === undefined) return store.builds.list(most);
  if (/^(?:\.{1,2}(?:\/|$)|\/)/.test(what)) {
    const path = resolve(host.cwd, what);
    const isBelow = ({ project }: BuildRecord): boolean => project === path || project.startsWith(`${path}${sep}`);
    return store.builds.list().filter(isBelow).slice(0, most);
  }
  const name = familiar(what);
  if (name === undefined)
    throw new UsageError(`${JSON.stringify(what)} is no name of an image, and no path`, { command: 'builds ls' });
  return store.builds.named(name).slice(0, most);
}

function familiar(name: string): string | undefined {
  try {
    return familiarName(parseReference(name));
  } catch {
    return undefined;
  }
}
