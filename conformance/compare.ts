import type { ByteString } from '@tsbuild/oci';
import type { FileFacts, ImageFacts, LayerFacts, Tree } from './image-facts.ts';
import { todaysWording } from './wording.ts';

/** What a running engine puts there by itself. */
const OF_THE_ENGINE = /^(?:etc\/(?:resolv\.conf|hosts|hostname|mtab)|proc|sys|dev|\.dockerenv)(?:\/|$)/;
const CONFIG = [
  'User',
  'ExposedPorts',
  'Env',
  'Entrypoint',
  'Cmd',
  'Volumes',
  'WorkingDir',
  'Labels',
  'StopSignal',
  'ArgsEscaped',
  'Healthcheck',
  'OnBuild',
  'Shell',
] as const;
const DOCUMENT = ['architecture', 'os', 'variant', 'author'] as const;
/** No base and no context has a later time. */
const LAST_GIVEN_TIME = 1_700_000_000;
const FILE = ['type', 'mode', 'owner', 'size', 'content', 'link', 'device', 'xattrs'] as const;

/**
 * In what two images differ, a line each, beginning with the field: `config.Env`, `history 3`, `layer 2 PATH`, `tree PATH`.
 * Times that both builders took from the clock count as the same.
 */
export function compareImages(engine: ImageFacts, tsbuild: ImageFacts): readonly string[] {
  const differences: string[] = [];
  const differ = (what: string, theirs: unknown, ours: unknown): void => {
    if (text(theirs) !== text(ours)) differences.push(`${what}: engine ${text(theirs)}, tsbuild ${text(ours)}`);
  };
  for (const field of DOCUMENT) differ(field, engine.config[field] ?? '', tsbuild.config[field] ?? '');
  for (const field of CONFIG)
    differ(`config.${field}`, present(engine.config.config?.[field]), present(tsbuild.config.config?.[field]));
  const [theirRows, ourRows] = [engine.config.history ?? [], tsbuild.config.history ?? []];
  for (let i = 0; i < Math.max(theirRows.length, ourRows.length); i++) {
    const row = (rows: typeof theirRows): unknown => {
      const { created_by = '', comment = '', empty_layer = false } = rows[i] ?? {};
      return rows[i] === undefined ? undefined : { created_by: todaysWording(created_by), comment, empty_layer };
    };
    differ(`history ${i}`, row(theirRows), row(ourRows));
  }
  differ('layers', engine.layers.length, tsbuild.layers.length);
  if (engine.layers.length === tsbuild.layers.length) {
    engine.layers.forEach((layer, i) => {
      const other = tsbuild.layers[i];
      if (other !== undefined) differences.push(...compareLayers(`layer ${i}`, layer, other));
    });
  }
  const known = differences.some((line) => line.startsWith('layer '));
  if (!known) differences.push(...compareTrees('tree', engine.tree, tsbuild.tree, false));
  for (const path of commonPaths(engine.tree, tsbuild.tree))
    differ(`links ${path}`, linksOf(engine.tree, path), linksOf(tsbuild.tree, path));
  return differences;
}

function compareLayers(name: string, engine: LayerFacts, tsbuild: LayerFacts): readonly string[] {
  const differences = [...compareTrees(name, changes(engine), changes(tsbuild), true)];
  const [theirs, ours] = [engine.removed, tsbuild.removed].map((paths) => paths.filter(isCompared).join(' '));
  if (theirs !== ours) differences.push(`${name} removed: engine ${text(theirs)}, tsbuild ${text(ours)}`);
  return differences;
}

/** A layer's entries without folders that only lead to others: which of them a builder names is its own affair. */
function changes({ entries, below }: LayerFacts): Tree {
  return new Map(
    [...entries].filter(([path, facts]) => {
      const before = below.get(path);
      return facts.type !== 'directory' || before === undefined || FILE.some((field) => before[field] !== facts[field]);
    }),
  );
}

function compareTrees(name: string, engine: Tree, tsbuild: Tree, withTimes: boolean): readonly string[] {
  const differences: string[] = [];
  const paths = [...new Set([...engine.keys(), ...tsbuild.keys()])].filter(isCompared).toSorted();
  for (const path of paths) {
    const [theirs, ours] = [engine.get(path), tsbuild.get(path)];
    if (theirs === undefined || ours === undefined) {
      const has = theirs === undefined ? 'tsbuild' : 'engine';
      differences.push(`${name} ${path}: only ${has} has it: ${describe(theirs ?? ours)}`);
      continue;
    }
    const fields = FILE.filter((field) => theirs[field] !== ours[field]);
    const show = (facts: FileFacts): string => fields.map((field) => `${field} ${shown(facts, field)}`).join(' ');
    if (fields.length > 0) differences.push(`${name} ${path}: engine ${show(theirs)}, tsbuild ${show(ours)}`);
    if (withTimes && theirs.mtime !== ours.mtime && !isOfTheClock(theirs, ours))
      differences.push(`${name} ${path}: mtime engine ${time(theirs)}, tsbuild ${time(ours)}`);
  }
  return differences;
}

/** The paths of a tree that are the same file. */
function linksOf(tree: Tree, path: ByteString): string {
  const facts = tree.get(path);
  if (facts?.type !== 'file') return '';
  const paths = [...tree].filter(([, other]) => other === facts).map(([other]) => other);
  return paths.length < 2 ? '' : paths.toSorted().join(' ');
}

function commonPaths(engine: Tree, tsbuild: Tree): readonly ByteString[] {
  return [...engine.keys()].filter((path) => tsbuild.has(path)).toSorted();
}

function isCompared(path: ByteString): boolean {
  return !OF_THE_ENGINE.test(path);
}

/**
 * Both times are the clock's (maybe of an earlier build: `--no-cache` spares some steps of engines); of a folder, the engine's
 * is: what a builder gives to folders that it has to make means nothing.
 */
function isOfTheClock(engine: FileFacts, tsbuild: FileFacts): boolean {
  return engine.mtime > LAST_GIVEN_TIME && (engine.type === 'directory' || tsbuild.mtime > LAST_GIVEN_TIME);
}

function describe(facts: FileFacts | undefined): string {
  return facts === undefined ? '' : `${facts.type} ${shown(facts, 'mode')} ${facts.owner}`;
}

function shown(facts: FileFacts, field: (typeof FILE)[number]): string {
  return field === 'mode' ? facts.mode.toString(8) : String(facts[field]).slice(0, 80);
}

function time({ mtime }: FileFacts): string {
  return new Date(mtime * 1000).toISOString();
}

/** Engines of different ages write null, nothing, or an empty list for the same. */
function present(value: unknown): unknown {
  if (value === null || value === '' || value === false) return undefined;
  return typeof value === 'object' && Object.keys(value).length === 0 ? undefined : sorted(value);
}

/** A document with the members of its objects in order. */
export function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, sorted(inner)] as const);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function text(value: unknown): string {
  return value === undefined ? 'nothing' : typeof value === 'string' ? value : JSON.stringify(value);
}
