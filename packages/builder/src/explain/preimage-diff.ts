import { canonicalJson, type JsonValue } from '@tsbuild/oci';
import { type KeyInput, type KeyPreimage, preimageText } from '../cache/cache-key.ts';
import type { StepOrigin } from '../cache/step-origin.ts';
import type { MissChange } from '../progress/miss-reason.ts';
import { diffListings } from './listing-diff.ts';
import { maskedText, maskedValue } from './mask.ts';
import { diffParents } from './parent-diff.ts';

/** A step as it can be compared: everything of its key, and where it stands. */
export interface ComparedStep {
  readonly preimage: KeyPreimage;
  readonly origin: StepOrigin | undefined;
  /** The listing of an input; undefined when it was not kept. */
  readonly listing: (input: KeyInput) => string | undefined;
}

/** Parts of a definition that are flags or instructions of their own, as people write them. */
const SETTINGS: Readonly<Record<string, string>> = {
  workingDirectory: 'WORKDIR',
  user: 'USER',
  network: '--network',
  platform: '--platform',
  epoch: 'SOURCE_DATE_EPOCH',
  mounts: '--mount',
  shmSize: '--shm-size',
  limits: '--ulimit',
  hosts: '--add-host',
  hostname: 'hostname',
  ids: 'user ids',
};

/** Everything in which `after` differs from `before`, the most telling first. Equal preimages differ in nothing. */
export function diffSteps(before: ComparedStep, after: ComparedStep): MissChange[] {
  if (preimageText(before.preimage) === preimageText(after.preimage)) return [];
  const changes = [...diffText(before, after), ...diffDefinitions(before, after), ...diffInputs(before, after)];
  // Never nothing where the keys differ, whatever was overlooked.
  if (changes.length === 0) changes.push({ kind: 'instruction', name: 'step', change: 'changed' });
  return changes.toSorted((a, b) => rank(a) - rank(b));
}

const ORDER: readonly MissChange['kind'][] = ['instruction', 'flag', 'base', 'arg', 'env', 'file', 'step'];

function rank({ kind }: MissChange): number {
  return ORDER.indexOf(kind);
}

/** Flags in front of an instruction and the rest of it, from what both Dockerfiles say. */
function diffText({ origin: before }: ComparedStep, { origin: after, preimage }: ComparedStep): MissChange[] {
  if (before === undefined || after === undefined) return [];
  // The shell expands the words of RUN, and a heredoc shows itself in the command.
  if (before.source === after.source && preimage.operation === 'run') return [];
  // Where the line is the same, it was expanded to something else.
  if (before.source === after.source) {
    const changes = diffVariables(
      new Map(Object.entries(before.expanded)),
      new Map(Object.entries(after.expanded)),
      after,
    );
    if (changes.length > 0) return changes;
  }
  const [old, now] = before.source === after.source ? [before.name, after.name] : [before.source, after.source];
  if (old === now) return [];
  const oldParts = splitFlags(old);
  const parts = splitFlags(now);
  const changes = diffFlags(oldParts.flags, parts.flags);
  if (oldParts.rest !== parts.rest) {
    changes.push({
      kind: 'instruction',
      name: 'text',
      change: 'changed',
      before: maskedText(old),
      after: maskedText(now),
    });
  }
  return changes;
}

function splitFlags(text: string): { readonly flags: ReadonlyMap<string, string>; readonly rest: string } {
  const flags = new Map<string, string>();
  const [keyword = '', ...words] = text.split(/\s+/);
  let first = 0;
  for (const word of words) {
    const flag = /^(--[a-z-]+)(?:=(.*))?$/s.exec(word);
    if (flag?.[1] === undefined) break;
    const value = flag[2] ?? '';
    const known = flags.get(flag[1]);
    flags.set(flag[1], known === undefined ? value : `${known} ${value}`);
    first++;
  }
  return { flags, rest: [keyword.toUpperCase(), ...words.slice(first)].join(' ') };
}

function diffFlags(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): MissChange[] {
  return diffMaps(before, after, 'flag', (_name, value) => maskedText(value));
}

function diffDefinitions(before: ComparedStep, after: ComparedStep): MissChange[] {
  const old = fieldsOf(before.preimage.definition);
  const now = fieldsOf(after.preimage.definition);
  const changes: MissChange[] = [];
  const operations = [before.preimage.operation, after.preimage.operation] as const;
  if (operations[0] !== operations[1]) changes.push(changed('instruction', 'operation', ...operations));
  const sameText = before.origin?.source === after.origin?.source;
  for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
    const values = [textOf(old[name]), textOf(now[name])] as const;
    if (canonicalJson(old[name] ?? null) === canonicalJson(now[name] ?? null)) continue;
    if (name === 'environment') {
      changes.push(...diffEnvironment(old[name], now[name], after.origin ?? before.origin));
    } else if (name === 'argv') {
      // Where the line is another one, that says it; a heredoc or SHELL changes the command alone.
      if (sameText) changes.push(changed('instruction', 'command', ...values));
    } else if (name === 'mounts') {
      if (sameText || !flagsDiffer(before, after, '--mount')) changes.push(...diffMounts(old[name], now[name]));
    } else changes.push(changed('flag', SETTINGS[name] ?? name, ...values));
  }
  return changes;
}

/** Heredocs that are programs of their own are mounts, too, but nobody thinks of them as such. */
function diffMounts(before: JsonValue | undefined, after: JsonValue | undefined): MissChange[] {
  const isScript = (mount: JsonValue): boolean => fieldsOf(mount)['kind'] === 'script';
  const of = (mounts: JsonValue | undefined, scripts: boolean): string | undefined =>
    textOf((Array.isArray(mounts) ? mounts : []).filter((mount: JsonValue) => isScript(mount) === scripts));
  const changes: MissChange[] = [];
  const scripts = [of(before, true), of(after, true)] as const;
  const mounts = [of(before, false), of(after, false)] as const;
  if (scripts[0] !== scripts[1]) changes.push({ kind: 'instruction', name: 'script', change: 'changed' });
  if (mounts[0] !== mounts[1]) changes.push(changed('flag', '--mount', ...mounts));
  return changes;
}

function flagsDiffer(before: ComparedStep, after: ComparedStep, flag: string): boolean {
  const of = ({ origin }: ComparedStep): string | undefined => splitFlags(origin?.source ?? '').flags.get(flag);
  return of(before) !== of(after);
}

function changed(
  kind: 'instruction' | 'flag',
  name: string,
  before: string | undefined,
  after: string | undefined,
): MissChange {
  const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
  return {
    kind,
    name,
    change,
    ...(before === undefined ? {} : { before: maskedText(before) }),
    ...(after === undefined ? {} : { after: maskedText(after) }),
  };
}

function diffEnvironment(
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  origin: StepOrigin | undefined,
): MissChange[] {
  const changes = diffVariables(variablesOf(before), variablesOf(after), origin);
  // The same variables in another order are another environment.
  if (changes.length === 0) changes.push({ kind: 'env', name: 'order of the variables', change: 'changed' });
  return changes;
}

function diffVariables(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  origin: StepOrigin | undefined,
): MissChange[] {
  const args = new Set(origin?.arguments ?? []);
  return diffMaps(before, after, 'env', maskedValue).map((change) =>
    args.has(change.name) ? { ...change, kind: 'arg' as const } : change,
  );
}

function diffMaps(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  kind: 'flag' | 'env',
  show: (name: string, value: string) => string,
): MissChange[] {
  const changes: MissChange[] = [];
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const old = before.get(name);
    const now = after.get(name);
    if (old === now) continue;
    const change = old === undefined ? 'added' : now === undefined ? 'removed' : 'changed';
    changes.push({
      kind,
      name,
      change,
      ...(old === undefined ? {} : { before: show(name, old) }),
      ...(now === undefined ? {} : { after: show(name, now) }),
    });
  }
  return changes;
}

function diffInputs(before: ComparedStep, after: ComparedStep): MissChange[] {
  const old = new Map(before.preimage.inputs.map((input) => [input.name, input]));
  const changes: MissChange[] = [];
  for (const input of after.preimage.inputs) {
    const earlier = old.get(input.name);
    old.delete(input.name);
    if (earlier?.id === input.id) continue;
    if (input.name === 'parent') changes.push(...diffParents(before.origin, after.origin));
    else changes.push(...diffFiles(earlier, input, before, after));
  }
  // A mount that is gone is a flag that is gone.
  return changes;
}

function diffFiles(
  earlier: KeyInput | undefined,
  input: KeyInput,
  before: ComparedStep,
  after: ComparedStep,
): MissChange[] {
  if (earlier === undefined) return [];
  const old = before.listing(earlier);
  const now = after.listing(input);
  const nameOf = input.shownPath?.() ?? ((path: string) => placeOf(input.name, path));
  const changes = old === undefined || now === undefined ? [] : diffListings(old, now, nameOf);
  if (changes.length > 0) return changes;
  const name = input.name === 'files' ? 'the files (their list was not kept)' : input.name.replace(/^mount /, '');
  return [{ kind: 'file', name, change: 'changed', what: ['content'] }];
}

/** A path of the image, or one below a mount. */
function placeOf(input: string, path: string): string {
  const target = /^mount (.*)$/s.exec(input)?.[1];
  return target === undefined ? `/${path}` : `${target}${path === '/' ? '' : path}`;
}

function fieldsOf(definition: JsonValue): Readonly<Record<string, JsonValue>> {
  return typeof definition === 'object' && definition !== null && !Array.isArray(definition)
    ? (definition as Readonly<Record<string, JsonValue>>)
    : {};
}

function variablesOf(value: JsonValue | undefined): ReadonlyMap<string, string> {
  const pairs = Array.isArray(value) ? value.filter((pair) => typeof pair === 'string') : [];
  return new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}

/** A value as people read it; undefined for what is not there. */
function textOf(value: JsonValue | undefined): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (Array.isArray(value))
    return value.length === 0 ? undefined : value.map((member: JsonValue) => textOf(member)).join(' ');
  if (typeof value !== 'object') return String(value);
  return Object.entries(fieldsOf(value))
    .flatMap(([name, member]) => (textOf(member) === undefined ? [] : [`${name}=${textOf(member)}`]))
    .toSorted()
    .join(',');
}
