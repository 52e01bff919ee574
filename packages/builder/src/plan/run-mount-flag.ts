import { suggestNear } from '../dockerfile/suggest.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import { csvFields } from '../diagnostics/csv-fields.ts';
import { parseSize } from './size.ts';

const TYPES = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'] as const;
const SHARING = ['shared', 'private', 'locked'] as const;
const KEYS = ['type', 'from', 'source', 'src', 'target', 'dst', 'destination', 'readonly', 'ro', 'readwrite', 'rw', 'id',
  'sharing', 'required', 'mode', 'uid', 'gid', 'size', 'env']; // biome-ignore format: one list

type RunMountType = (typeof TYPES)[number];
type CacheSharing = (typeof SHARING)[number];

/** A `--mount` of RUN as it is written, variables expanded; `''` where a text is not given. */
export interface RunMountFlag {
  readonly type: RunMountType;
  readonly from: string;
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly id: string;
  readonly sharing: CacheSharing;
  readonly required: boolean;
  /** Bytes, of tmpfs; undefined is no limit. */
  readonly size: number | undefined;
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** Of a secret: the variable that it becomes. */
  readonly env: string | undefined;
}

/** What is known while the fields are read, in their order. */
interface Draft {
  type: RunMountType;
  from: string;
  source: string;
  target: string;
  readOnly: boolean | undefined;
  id: string;
  sharing: CacheSharing | undefined;
  required: boolean;
  size: number | undefined;
  mode: number | undefined;
  uid: number | undefined;
  gid: number | undefined;
  env: string | undefined;
}

/**
 * Parses the value of `RUN --mount`: comma-separated fields as in CSV, keys in any case, `type` before what depends on
 * it, every value but that of `from` expanded.
 * @throws BuildError `DOCKERFILE_INVALID` without a range, in BuildKit's words
 */
export function parseRunMount(text: string, expand: (word: string) => string): RunMountFlag {
  const draft: Draft = {
    type: 'bind',
    from: '',
    source: '',
    target: '',
    readOnly: undefined,
    id: '',
    sharing: undefined,
    required: false,
    size: undefined,
    mode: undefined,
    uid: undefined,
    gid: undefined,
    env: undefined,
  };
  for (const field of fieldsOf(text)) {
    const equals = field.indexOf('=');
    if (equals < 0) setBare(draft, field);
    else {
      const key = field.slice(0, equals).toLowerCase();
      const raw = field.slice(equals + 1);
      if (key === 'from') draft.from = checkFrom(raw);
      else setValue(draft, key, expand(raw), field);
    }
  }
  return finish(draft);
}

/** The names that a `--mount` takes files from: enough to know which stages are needed. */
export function mountFrom(text: string): string | undefined {
  const fields = fieldsOf(text).map((field) => field.split(/=(.*)/s));
  const value = (key: string): string | undefined =>
    fields.findLast(([name = '']) => name.toLowerCase() === key)?.[1] ?? undefined;
  const type = value('type')?.toLowerCase();
  if (type === 'tmpfs' || type === 'secret' || type === 'ssh') return undefined;
  const from = value('from') ?? '';
  return from === '' ? undefined : checkFrom(from);
}

function checkFrom(value: string): string {
  if (!/\$./.test(value)) return value;
  throw invalid("'from' doesn't support variable expansion, define alias stage instead");
}

/** Keys that may stand alone. */
function setBare(draft: Draft, field: string): void {
  const key = field.toLowerCase();
  if (key === 'readonly' || key === 'ro') draft.readOnly = true;
  else if (key === 'readwrite' || key === 'rw') draft.readOnly = false;
  else if (key === 'required') setRequired(draft, key, true);
  else throw invalid(`invalid field '${field}' must be a key=value pair`);
}

function setValue(draft: Draft, key: string, value: string, field: string): void {
  switch (key) {
    case 'type':
      draft.type = oneOf(TYPES, value, 'unsupported mount type');
      return;
    case 'source':
    case 'src':
      draft.source = value;
      return;
    case 'target':
    case 'dst':
    case 'destination':
      draft.target = value;
      return;
    case 'readonly':
    case 'ro':
      draft.readOnly = boolean(key, value);
      return;
    case 'readwrite':
    case 'rw':
      draft.readOnly = !boolean(key, value);
      return;
    case 'required':
      return setRequired(draft, key, boolean(key, value));
    case 'size':
      if (draft.type !== 'tmpfs') throw unexpected(key, draft.type);
      draft.size = parseSize(value) ?? fail(`invalid value for ${key}: ${value}`);
      return;
    case 'id':
      draft.id = value;
      return;
    case 'sharing':
      draft.sharing = oneOf(SHARING, value, 'unsupported sharing value');
      return;
    case 'mode':
      draft.mode = number(key, value, 8);
      return;
    case 'uid':
    case 'gid':
      draft[key] = number(key, value, 10);
      return;
    case 'env':
      draft.env = value;
      return;
    default:
      throw invalid(`unexpected key '${key}' in '${field}'${suggestNear(key, KEYS)}`);
  }
}

function setRequired(draft: Draft, key: string, value: boolean): void {
  if (draft.type !== 'secret' && draft.type !== 'ssh') throw unexpected(key, draft.type);
  draft.required = value;
}

/** Checks what only the whole can tell, and fills in what is not given. */
function finish(draft: Draft): RunMountFlag {
  const { type } = draft;
  if (type === 'bind' || type === 'tmpfs') {
    for (const key of ['mode', 'uid', 'gid'] as const) {
      if (draft[key] !== undefined) throw invalid(`${key} not allowed for "${type}" type mounts`);
    }
  }
  if (type === 'secret') {
    if (draft.from !== '') throw invalid('secret mount should not have a from');
    if (draft.sharing !== undefined) throw invalid('secret mount should not define sharing');
    if (draft.source === '' && draft.target === '' && draft.id === '') {
      throw invalid('invalid secret mount. one of source, target required', 'name the secret: id=NAME');
    }
    if (draft.source !== '' && draft.id !== '') throw invalid("both source and id can't be set");
  }
  if (draft.sharing !== undefined && type !== 'cache') throw invalid(`invalid cache sharing set for ${type} mount`);
  if (type === 'ssh' && draft.source !== '') throw invalid('ssh does not support source');
  return {
    ...draft,
    readOnly: draft.readOnly ?? !(type === 'cache' || type === 'tmpfs'),
    sharing: draft.sharing ?? 'shared',
  };
}

function oneOf<T extends string>(choices: readonly T[], value: string, problem: string): T {
  const found = choices.find((choice) => choice === value.toLowerCase());
  return found ?? fail(`${problem} ${JSON.stringify(value)}${suggestNear(value, choices)}`);
}

/** Go's strconv.ParseBool. */
function boolean(key: string, value: string): boolean {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(value)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(value)) return false;
  throw invalid(`invalid value for ${key}: ${value}`, 'write true or false');
}

function number(key: string, value: string, radix: 8 | 10): number {
  const parsed = (radix === 8 ? /^[0-7]+$/ : /^\d+$/).test(value) ? Number.parseInt(value, radix) : Number.NaN;
  if (parsed <= 0xffff_ffff) return parsed;
  throw invalid(
    `invalid value ${value} for ${key}`,
    key === 'mode' ? 'write an octal mode such as 0400' : `a ${key} is a number`,
  );
}

function fieldsOf(text: string): readonly string[] {
  const fields = csvFields(text);
  if (!('problem' in fields)) return fields;
  throw invalid(`failed to parse csv mounts: parse error on line 1, column ${fields.at + 1}: ${fields.problem}`);
}

function unexpected(key: string, type: RunMountType): BuildError {
  return invalid(`unexpected key '${key}' for mount type '${type}'`);
}

function fail(message: string): never {
  throw invalid(message);
}

function invalid(message: string, hint?: string): BuildError {
  return new BuildError('DOCKERFILE_INVALID', message, hint === undefined ? {} : { hint });
}
