import { rm } from 'node:fs/promises';
import { relative } from 'node:path';
import type { VerifiedBlobs, FsckOptions, StoreFinding } from '@tsbuild/oci/internal';
import { ContainerStore } from '../container-state/container-store.ts';
import { VolumeStore } from '../container-state/volume-store.ts';
import { StatCache } from '../context/stat-cache.ts';
import type { Fault } from '../disk/kept-file.ts';
import { type StoreDirectory, storePath } from '../disk/store-paths.ts';
import { BuildRecords } from '../explain/build-records.ts';
import { StepIndex } from '../explain/step-index.ts';
import { verifyKeptFindings } from '../lint/layers/kept-findings.ts';
import { CacheMounts } from '../mounts/cache-mounts.ts';
import { KeptPackages } from '../packages/kept-packages.ts';
import { commitRecords } from '../source/git-source.ts';
import { webRecords } from '../source/http-source.ts';
import { RemoteRecords } from '../source/remote-records.ts';

/** Asks each owner of small files what is damaged, and tells of it below the store at `root`. */
export class SmallFiles {
  readonly #root: string;
  readonly #options: FsckOptions;

  constructor(root: string, options: FsckOptions) {
    this.#root = root;
    this.#options = options;
  }

  /** What the store knows of images elsewhere, of downloads and of past builds. A build can do without any of it. */
  async known(blobs: VerifiedBlobs): Promise<void> {
    const at = (directory: StoreDirectory, ...names: string[]): string => storePath(this.#root, directory, ...names);
    const again = 'removed; it is asked for again';
    for await (const fault of new RemoteRecords(at('remotes')).verify(({ digest, size }) =>
      blobs.fault(digest, size),
    )) {
      this.#removable('remote', fault, again);
    }
    const faults = [
      ...webRecords(at('sources', 'http')).verify(),
      ...commitRecords(at('sources', 'git')).verify(),
      ...new BuildRecords(at('builds')).verify(),
      ...verifyKeptFindings(at('checks')),
      ...new KeptPackages(at('packages')).verify(),
      ...StepIndex.verify(at('explain')),
    ];
    for (const fault of faults) this.#removable('remote', fault, again);
    for (const fault of StatCache.verify(at('stat'))) {
      this.#removable('context', fault, 'removed; the files of the context are read again');
    }
  }

  /** The descriptions of cache mounts. @returns how many there are */
  cacheMounts(): number {
    const { faults, count } = new CacheMounts(storePath(this.#root, 'cache-mounts')).verify();
    for (const fault of faults) this.#removable('cache-mount', fault, 'removed');
    return count;
  }

  /** The descriptions of containers and volumes, of which nothing is removed: what they hold is somebody's. */
  containers(): void {
    for (const fault of new ContainerStore(this.#root).verify()) this.#tell('container', fault);
    const volumes = new VolumeStore(this.#root);
    for (const fault of volumes.verify()) {
      const run = (): Promise<void> => volumes.describeAnew(fault.volume);
      this.#tell('volume', fault, { done: 'described anew, without its labels', run });
    }
  }

  #removable(kind: StoreFinding['kind'], fault: Fault, done: string): void {
    this.#tell(kind, fault, { done, run: () => rm(fault.path, { force: true }) });
  }

  #tell(kind: StoreFinding['kind'], { path, why }: Fault, repair?: StoreFinding['repair']): void {
    const place = relative(this.#root, path);
    const found = { severity: 'damaged', kind, path: place, message: why } as const;
    this.#options.report(repair === undefined ? found : { ...found, repair });
  }
}
