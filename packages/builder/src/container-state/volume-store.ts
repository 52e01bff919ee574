import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { compareByteStrings, utf8ToByteString } from '@tsbuild/oci';
import { FileLock, sealJson, unsealJson, writeFileAtomic } from '@tsbuild/oci/internal';
import { BuildError } from '../diagnostics/build-error.ts';
import { DiskOwners } from '../disk/disk-owners.ts';
import { type Fault, faultAt } from '../disk/kept-file.ts';
import { removeTree } from '../disk/remove-tree.ts';
import { storePath } from '../disk/store-paths.ts';

/** Docker's rule. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
/** What is being removed has such a name, and is no volume any more. */
const GONE = '.gone-';

/** What a volume is: `volumes/<name>/volume.json`. */
export interface VolumeConfig {
  readonly version: 1;
  readonly name: string;
  /** RFC 3339. */
  readonly created: string;
  /** Null for one that a container brought about. */
  readonly labels: Readonly<Record<string, string>> | null;
  /** Nobody named it: it goes with its container, where that is asked for. */
  readonly anonymous: boolean;
  /** The mapping of ids that it was made under (`DiskOwners.mapping`); missing in older volumes. */
  readonly ids?: string;
}

/** A directory that outlives containers. */
export interface Volume {
  readonly config: VolumeConfig;
  /** Where its files are, absolute. */
  readonly data: string;
}

/** The volumes of a store: `volumes/<name>`. */
export class VolumeStore {
  readonly #directory: string;

  /** @param root the store's directory */
  constructor(root: string) {
    this.#directory = storePath(root, 'volumes');
  }

  /** In byte order of their names. */
  list(): readonly Volume[] {
    return this.#names()
      .toSorted((a, b) => compareByteStrings(utf8ToByteString(a), utf8ToByteString(b)))
      .flatMap((name) => this.#read(name) ?? []);
  }

  /** The descriptions that are damaged. Such a volume has its files and is used, but its labels are lost. */
  verify(): readonly (Fault & { readonly volume: string })[] {
    return this.#names().flatMap((volume) =>
      faultAt<VolumeConfig>(join(this.#directory, volume, 'volume.json'), (value) => isVolumeConfig(value, volume)).map(
        (fault) => ({ ...fault, volume }),
      ),
    );
  }

  /** Describes a volume anew of which nothing is known but its name. */
  async describeAnew(name: string): Promise<void> {
    await writeFileAtomic(join(this.#directory, name, 'volume.json'), sealJson({ ...NOTHING_KNOWN, name }));
  }

  /** @throws BuildError `VOLUME_NOT_FOUND` */
  find(name: string): Volume {
    const volume = NAME.test(name) ? this.#read(name) : undefined;
    if (volume !== undefined) return volume;
    throw new BuildError('VOLUME_NOT_FOUND', `No such volume: ${name}`, {
      hint: '"tsbuild volume ls" lists all of them',
    });
  }

  /**
   * Keeps everybody else from making containers with volumes, and from removing volumes: between the making of a volume
   * and of the container that uses it nobody may take it for unused.
   */
  async lock(signal: AbortSignal): Promise<FileLock> {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    return FileLock.take(join(this.#directory, '.lock'), 'exclusive', signal);
  }

  /** The volume of this name, made when it is missing; without a name a new one. @throws BuildError `OPTION_INVALID` */
  async ensure(name: string | undefined, labels: VolumeConfig['labels'] = null): Promise<Volume> {
    const wanted = name ?? randomBytes(32).toString('hex');
    checkVolumeName(wanted);
    const found = this.#read(wanted);
    if (found !== undefined) return found;
    const config: VolumeConfig = {
      version: 1,
      name: wanted,
      created: `${new Date().toISOString().slice(0, 19)}Z`,
      labels,
      anonymous: name === undefined,
      ids: DiskOwners.read().mapping,
    };
    const directory = join(this.#directory, wanted);
    const data = join(directory, '_data');
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    mkdirSync(data, { recursive: true });
    // Users of the container must be able to enter it, whatever our umask is.
    chmodSync(data, 0o755);
    await writeFileAtomic(join(directory, 'volume.json'), sealJson(config));
    return { config, data };
  }

  /** Takes a volume away with all that is in it. The caller has the lock, and knows that nobody uses it. */
  async remove({ config }: Volume): Promise<void> {
    // One rename: whoever is killed meanwhile leaves no half of a volume under its name.
    const gone = join(this.#directory, `${GONE}${randomBytes(6).toString('hex')}`);
    renameSync(join(this.#directory, config.name), gone);
    for (const name of this.#entries()) if (name.startsWith(GONE)) await removeTree(join(this.#directory, name));
  }

  #read(name: string): Volume | undefined {
    const directory = join(this.#directory, name);
    try {
      const config = unsealJson(readFileSync(join(directory, 'volume.json'), 'utf8'))?.value;
      // Its files are what counts: a volume whose description is damaged is one without labels.
      const known = isVolumeConfig(config, name) ? config : { ...NOTHING_KNOWN, name };
      return { config: known, data: join(directory, '_data') };
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
      throw error;
    }
  }

  #names(): readonly string[] {
    return this.#entries().filter((name) => NAME.test(name));
  }

  #entries(): readonly string[] {
    try {
      return readdirSync(this.#directory);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }
}

const NOTHING_KNOWN = { version: 1, created: '1970-01-01T00:00:00Z', labels: null, anonymous: false } as const;

function isVolumeConfig(value: unknown, wanted: string): value is VolumeConfig {
  if (typeof value !== 'object' || value === null) return false;
  const { name, created, labels, anonymous, ids } = value as Record<string, unknown>;
  const texts = typeof labels === 'object' && Object.values(labels ?? {}).every((label) => typeof label === 'string');
  const isKnown = name === wanted && typeof created === 'string' && typeof anonymous === 'boolean';
  return texts && isKnown && (ids === undefined || typeof ids === 'string');
}

/** @throws BuildError `OPTION_INVALID` */
export function checkVolumeName(name: string): void {
  if (NAME.test(name)) return;
  throw new BuildError(
    'OPTION_INVALID',
    `create ${name}: ${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed`,
    { hint: 'If you intended to pass a host directory, use an absolute path, or one that begins with ./' },
  );
}
