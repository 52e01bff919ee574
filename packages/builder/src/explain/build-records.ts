import { createHash } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, digestHex, isDigest } from '@tsbuild/oci';
import { type Fault, faultAt, keptFaults, namesIn, readKept, writeKept } from '../disk/kept-file.ts';
import type { BuildRecord } from './build-record.ts';
import { earlierRecord, isEarlierRecord } from './earlier-record.ts';

/** So many builds of each image are kept, and of so many images. */
const MOST_BUILDS = 20;
const MOST_IMAGES = 200;
/** A file's name tells so many images, by so many digits: enough to open few files in vain, and short enough for a name. */
const MOST_DIGESTS = 12;
const DIGITS = 10;
/** `<group>/<id>.<image>….json`. */
const GROUP = /^[0-9a-f]{16}$/;
const FILE = /^([0-9a-z]{12})((?:\.[0-9a-f]{10})*)\.json$/;

/** The file of a record. */
interface RecordFile {
  readonly path: string;
  readonly id: string;
  readonly images: readonly string[];
}

/**
 * The last builds of each image: small files, `builds/` of the store, each written whole. Builds with the same first name
 * are those of one image, else those of one Dockerfile and target.
 */
export class BuildRecords {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The last build that gave this image, or with `last` the last one, failed or not. */
  get(image: Digest | 'last'): BuildRecord | undefined {
    if (image === 'last') return this.list(1)[0] ?? this.#earlier(image);
    const digits = digitsOf(image);
    for (const { path } of this.#files().filter(({ images }) => images.includes(digits))) {
      const record = readKept(path, isBuildRecord);
      if (record !== undefined && imagesOf(record).includes(image)) return record;
    }
    return this.#earlier(image);
  }

  /** The build with this id. */
  find(id: string): BuildRecord | undefined {
    return this.#read(this.#files().filter((file) => file.id === id))[0];
  }

  /** All builds that are kept, the latest first. `most`: no more than so many. */
  list(most = Number.POSITIVE_INFINITY): readonly BuildRecord[] {
    return this.#read(this.#files(), most);
  }

  /** The builds that were to have this name, as people write it, the latest first. */
  named(name: string): readonly BuildRecord[] {
    const group = this.#read(this.#filesOf(groupOf({ names: [name], project: '' })));
    // As a second name it is in a group of another one.
    const isNamed = ({ names, image }: BuildRecord): boolean => [...names, ...(image?.names ?? [])].includes(name);
    return group.length > 0 ? group : this.list().filter(isNamed);
  }

  /** The builds of the same image as this one, the latest first, itself left out. */
  others(record: BuildRecord): readonly BuildRecord[] {
    return this.#read(this.#filesOf(groupOf(record)).filter(({ id }) => id !== record.id));
  }

  /** The records that are damaged. */
  verify(): readonly Fault[] {
    const groups = namesIn(this.#directory).filter((name) => GROUP.test(name));
    const faults = groups.flatMap((group) =>
      namesIn(join(this.#directory, group))
        .filter((name) => FILE.test(name))
        .flatMap((name) => faultAt(join(this.#directory, group, name), isBuildRecord)),
    );
    return [...keptFaults(this.#directory, isEarlierRecord), ...faults];
  }

  /** Keeps a record, in place of one with the same id. */
  put(record: BuildRecord): void {
    const directory = join(this.#directory, groupOf(record));
    const kept = this.#filesOf(groupOf(record));
    const digits = imagesOf(record).slice(0, MOST_DIGESTS).map(digitsOf);
    const path = join(directory, `${[record.id, ...digits].join('.')}.json`);
    writeKept(path, record);
    const others = kept.filter((file) => file.id !== record.id);
    const outdated = kept.filter((file) => file.id === record.id && file.path !== path);
    // However often it failed since, what made the image that is there is known.
    const good = digits.length > 0 ? undefined : others.find(({ images }) => images.length > 0);
    const surplus = others.slice(MOST_BUILDS - 1).filter((file) => file !== good);
    for (const file of [...outdated, ...surplus]) rmSync(file.path, { force: true });
    if (kept.length === 0) this.#forgetOldest();
  }

  #read(files: readonly RecordFile[], most = files.length): readonly BuildRecord[] {
    const records: BuildRecord[] = [];
    for (const { path } of files) {
      if (records.length >= most) break;
      const record = readKept(path, isBuildRecord);
      if (record !== undefined) records.push(record);
    }
    return records;
  }

  /** The files of all records, the latest first. */
  #files(): readonly RecordFile[] {
    const groups = namesIn(this.#directory).filter((name) => GROUP.test(name));
    return groups.flatMap((group) => this.#filesOf(group)).toSorted(latestFirst);
  }

  #filesOf(group: string): readonly RecordFile[] {
    const directory = join(this.#directory, group);
    const files = namesIn(directory).flatMap((name): RecordFile[] => {
      const [, id, images = ''] = FILE.exec(name) ?? [];
      return id === undefined ? [] : [{ path: join(directory, name), id, images: images.split('.').slice(1) }];
    });
    return files.toSorted(latestFirst);
  }

  #earlier(image: Digest | 'last'): BuildRecord | undefined {
    const name = image === 'last' ? image : digestHex(image);
    const record = readKept(join(this.#directory, `${name}.json`), isEarlierRecord);
    return record === undefined ? undefined : earlierRecord(record);
  }

  /** Of images, and of the records that earlier versions wrote. */
  #forgetOldest(): void {
    try {
      const names = namesIn(this.#directory).filter((name) => !name.startsWith('.') && name !== 'last.json');
      if (names.length <= MOST_IMAGES) return;
      const byAge = names
        .map((name) => join(this.#directory, name))
        .map((path) => ({ path, time: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
        .toSorted((a, b) => b.time - a.time);
      for (const { path } of byAge.slice(MOST_IMAGES)) rmSync(path, { recursive: true, force: true });
    } catch {
      // What is not forgotten now is forgotten by a later build.
    }
  }
}

function latestFirst(a: RecordFile, b: RecordFile): number {
  return a.id < b.id ? 1 : -1;
}

function digitsOf(image: Digest): string {
  return digestHex(image).slice(0, DIGITS);
}

/** An image for several platforms is found by its index and by each of its images. */
function imagesOf({ image }: BuildRecord): readonly Digest[] {
  return [image?.id, ...(image?.platforms ?? []).map(({ id }) => id)].filter(isDigest);
}

function groupOf({ names, project, target = '' }: Pick<BuildRecord, 'names' | 'project' | 'target'>): string {
  const [name] = names;
  const what = name === undefined ? ['project', project, target] : ['name', name];
  return createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 16);
}

function isBuildRecord({ version, id, names, steps, phases }: Partial<BuildRecord>): boolean {
  return (
    version === 2 && typeof id === 'string' && Array.isArray(names) && Array.isArray(phases) && Array.isArray(steps)
  );
}
