import { resolve } from 'node:path';
import {
  type BindRequest,
  checkVolumeName,
  type CreateOptions,
  parseSize,
  type TmpfsRequest,
  type VolumeRequest,
} from '@tsbuild/builder';
import { parseTmpfs } from './tmpfs-flag.ts';
import { notSupportedYet, UsageError } from '../host/usage-error.ts';
import type { Host } from '../host/host.ts';

/** The flags that say what is mounted into a container. */
export interface MountFlags {
  readonly volume: readonly string[];
  readonly mount: readonly string[];
  readonly tmpfs: readonly string[];
  readonly 'volumes-from': readonly string[];
}

type Mount =
  | ({ readonly kind: 'bind' } & BindRequest)
  | ({ readonly kind: 'volume' } & VolumeRequest)
  | ({ readonly kind: 'tmpfs' } & TmpfsRequest);

/** Words behind the second colon of `-v` that mean nothing here, or nothing but the usual. */
const IGNORED = ['rw', 'z', 'Z', 'cached', 'delegated', 'consistent', 'rprivate', 'private'];

/** @throws UsageError; BuildError for a volume's name */
export function mountsOf(
  flags: MountFlags,
  host: Host,
): Pick<CreateOptions, 'binds' | 'volumes' | 'tmpfs' | 'volumesFrom'> {
  const mounts: readonly Mount[] = [
    ...flags.volume.map((text) => parseVolume(text, host)),
    ...flags.mount.map((text) => parseMount(text, host)),
    ...flags.tmpfs.map((text) => ({ kind: 'tmpfs', ...parseTmpfs(text) }) as const),
  ];
  for (const mount of mounts) if (mount.kind === 'volume' && mount.name !== undefined) checkVolumeName(mount.name);
  return {
    binds: mounts.filter((mount) => mount.kind === 'bind'),
    volumes: mounts.filter((mount) => mount.kind === 'volume'),
    tmpfs: mounts.filter((mount) => mount.kind === 'tmpfs'),
    volumesFrom: flags['volumes-from'].map(parseVolumesFrom),
  };
}

/** `SRC:DST[:OPTIONS]`, where SRC is a path or a volume's name; `DST` alone is a volume of the container's own. */
function parseVolume(text: string, host: Host): Mount {
  const parts = text.split(':');
  const [first = '', second, options = ''] = parts;
  if (parts.length > 3 || first === '') throw wrong(`invalid volume specification: ${JSON.stringify(text)}`);
  const destination = second ?? first;
  if (!destination.startsWith('/') || /^\/+$/.test(destination)) {
    throw wrong(
      `invalid volume specification ${JSON.stringify(text)}: the place in the container must be an absolute path other than /`,
    );
  }
  const words = options.split(',').filter((word) => word !== '');
  const isPath = /^(?:\/|\.{1,2}(?:\/|$)|~)/.test(first);
  const known = [...IGNORED, 'ro', ...(isPath ? [] : ['nocopy'])];
  const unknown = words.find((word) => !known.includes(word));
  if (unknown !== undefined) throw wrong(`invalid mode: ${unknown}`, 'expected ro or rw, or nocopy for a volume');
  const readOnly = words.includes('ro');
  if (second === undefined) return { kind: 'volume', destination, readOnly, noCopy: false };
  if (isPath) return { kind: 'bind', source: resolve(host.cwd, first), destination, readOnly, mustExist: false };
  return { kind: 'volume', name: first, destination, readOnly, noCopy: words.includes('nocopy') };
}

/** Docker's long form: `type=bind|volume|tmpfs,src=…,dst=…[,readonly]`. */
function parseMount(text: string, host: Host): Mount {
  const fields = new MountFields(text);
  const type = fields.take('type') ?? 'volume';
  const source = fields.take('source', 'src');
  const destination = fields.take('target', 'dst', 'destination') ?? '';
  const readOnly = fields.flag('readonly', 'ro');
  const bad = (problem: string): UsageError =>
    wrong(`invalid mount config for type ${JSON.stringify(type)}: ${problem}`);
  if (!['bind', 'volume', 'tmpfs'].includes(type)) {
    throw type === 'npipe' || type === 'cluster'
      ? notSupportedYet(`--mount type=${type}`, 'run')
      : bad('mount type unknown');
  }
  if (destination === '') throw bad('field Target must not be empty');
  if (!destination.startsWith('/')) throw bad(`invalid mount path: '${destination}' mount path must be absolute`);
  if (/^\/+$/.test(destination)) throw bad("invalid specification: destination can't be '/'");
  const mount = ((): Mount => {
    if (type === 'tmpfs') {
      if (source !== undefined) throw bad('field Source must not be specified');
      const size = fields.size('tmpfs-size');
      const mode = fields.mode('tmpfs-mode');
      const given = { ...(size === undefined ? {} : { size }), ...(mode === undefined ? {} : { mode }) };
      return { kind: 'tmpfs', destination, readOnly, noExec: true, ...given };
    }
    if (type === 'volume') {
      const noCopy = fields.flag('volume-nocopy');
      return { kind: 'volume', destination, readOnly, noCopy, ...(source ? { name: source } : {}) };
    }
    if (source === undefined || source === '') throw bad('field Source must not be empty');
    const propagation = fields.take('bind-propagation') ?? 'rprivate';
    if (!['rprivate', 'private'].includes(propagation)) throw notSupportedYet(`bind-propagation=${propagation}`, 'run');
    if (!/^[./~]/.test(source)) throw bad(`invalid mount path: '${source}' mount path must be absolute`);
    return { kind: 'bind', source: resolve(host.cwd, source), destination, readOnly, mustExist: true };
  })();
  fields.refuseOthers();
  return mount;
}

/** The `key=value` pairs of one --mount, each to be taken once. */
class MountFields {
  readonly #text: string;
  readonly #fields: Map<string, string>;

  constructor(text: string) {
    this.#text = text;
    this.#fields = new Map(
      text.split(',').map((field) => {
        const equals = field.indexOf('=');
        const key = (equals < 0 ? field : field.slice(0, equals)).trim().toLowerCase();
        if (equals < 0 && !['readonly', 'ro', 'volume-nocopy'].includes(key))
          throw this.#wrong(`invalid field '${field}' must be a key=value pair`);
        return [key, equals < 0 ? 'true' : field.slice(equals + 1)];
      }),
    );
  }

  take(...keys: readonly string[]): string | undefined {
    const key = keys.find((name) => this.#fields.has(name));
    if (key === undefined) return undefined;
    const value = this.#fields.get(key);
    this.#fields.delete(key);
    return value;
  }

  flag(...keys: readonly string[]): boolean {
    const value = this.take(...keys) ?? 'false';
    if (/^(?:1|t|true)$/i.test(value)) return true;
    if (/^(?:0|f|false)$/i.test(value)) return false;
    throw this.#wrong(`invalid value for ${keys[0] ?? ''}: ${value}`);
  }

  size(key: string): number | undefined {
    const text = this.take(key);
    const size = text === undefined ? undefined : parseSize(text);
    if (text !== undefined && size === undefined) throw this.#wrong(`invalid value for ${key}: ${text}`);
    return size;
  }

  mode(key: string): number | undefined {
    const text = this.take(key);
    if (text === undefined) return undefined;
    if (!/^[0-7]{1,5}$/.test(text) || Number.parseInt(text, 8) > 0o7777)
      throw this.#wrong(`invalid value for ${key}: ${text}`);
    return Number.parseInt(text, 8);
  }

  refuseOthers(): void {
    const [key, value] = [...this.#fields][0] ?? [];
    if (key === undefined) return;
    if (/^(?:volume-(?:driver|opt|label|subpath)|bind-nonrecursive|consistency)$/.test(key))
      throw notSupportedYet(`${key}= in --mount`, 'run');
    throw this.#wrong(`unexpected key '${key}' in '${key}=${value ?? ''}'`);
  }

  #wrong(problem: string): UsageError {
    return wrong(`invalid argument ${JSON.stringify(this.#text)} for "--mount" flag: ${problem}`);
  }
}

function parseVolumesFrom(text: string): { readonly container: string; readonly readOnly: boolean } {
  const [container = '', mode = 'rw'] = text.split(':');
  if (container === '') throw wrong("invalid volumes-from specification: ''");
  if (mode !== 'ro' && mode !== 'rw') throw wrong(`invalid mode: ${mode}`);
  return { container, readOnly: mode === 'ro' };
}

function wrong(message: string, hint?: string): UsageError {
  return new UsageError(message, { command: 'run', ...(hint === undefined ? {} : { hint }) });
}
