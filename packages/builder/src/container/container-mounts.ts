import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { byteStringToUtf8, utf8ToByteString } from '@tsbuild/oci';
import type { RootfsTree } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';
import { findTool } from '../executor/host-tools.ts';
import { prepareMountPoints } from '../executor/mount-points.ts';
import { fillDirectory } from '../ops/run/fill-directory.ts';
import { StageTree } from '../ops/copy/stage-tree.ts';
import { DiskOwners } from '../disk/disk-owners.ts';
import type { Store } from '../store/store.ts';
import type { ContainerMount } from '../container-state/container-config.ts';
import { ContainerStore } from '../container-state/container-store.ts';
import type { CreateOptions, VolumeRequest } from './create-options.ts';
import { VolumeStore } from '../container-state/volume-store.ts';

/** Where the init program is in a container that has one. */
export const INIT_PATH = '/sbin/docker-init';

/** A mount whose place in the container is not known yet. */
type Wanted = Omit<ContainerMount, 'target'>;

/** What {@link makeMounts} works with. */
export interface MountPlace {
  readonly store: Store;
  readonly tree: RootfsTree;
  /** The container's directory. */
  readonly directory: string;
  readonly initLayer: string;
  readonly volumePaths: readonly string[];
  /** Told of each volume without a name as soon as it is there. */
  readonly onVolume: (name: string) => void;
  readonly notice: (text: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Makes everything that is mounted into a container, and the places for it in the layer below the container's own:
 * `/etc/hosts` and its like, binds, volumes, tmpfs. With volumes, the caller has their store's lock.
 * @throws BuildError `OPTION_INVALID` for two at one place, `CONTAINER_NOT_FOUND`
 */
export async function makeMounts(options: CreateOptions, place: MountPlace): Promise<readonly ContainerMount[]> {
  const named = options.volumes.filter(({ name }) => name !== undefined);
  const asked = [...options.binds, ...named, ...options.tmpfs].map(({ destination }) => clean(destination));
  const twice = asked.find((path, i) => asked.indexOf(path) !== i);
  if (twice !== undefined) throw new BuildError('OPTION_INVALID', `Duplicate mount point: ${twice}`);
  const taken = new Set(asked);
  const inherited = mountsFrom(options, place.store.root).filter(({ destination }) => !taken.has(clean(destination)));
  for (const { destination } of inherited) taken.add(clean(destination));
  const unnamed = [
    ...place.volumePaths.map(anonymousVolume),
    ...options.volumes.filter((each) => !named.includes(each)),
  ];
  // The last that was said of a place counts.
  const own = new Map(unnamed.map((request) => [clean(request.destination), request]));
  const requests = [...named, ...[...own].flatMap(([path, request]) => (taken.has(path) ? [] : [request]))];
  // Before anything is made, as it may be refused.
  const binds = options.binds.map(bind);
  const volumes: Wanted[] = [];
  for (const request of requests) volumes.push(await volume(request, place));
  const wanted: Wanted[] = [
    ...systemFiles(place.directory),
    ...(options.init ? [initProgram()] : []),
    ...volumes,
    ...inherited,
    ...binds,
    ...options.tmpfs.map(
      ({ destination, readOnly, size, ...tmpfs }): Wanted => ({
        kind: 'tmpfs',
        destination,
        source: '',
        isFile: false,
        readOnly,
        tmpfs,
        ...(size === undefined ? {} : { size }),
      }),
    ),
  ];
  const sorted = wanted.toSorted((a, b) => depth(a.destination) - depth(b.destination));
  const { targets } = prepareMountPoints(place.tree, place.initLayer, {
    files: [],
    mounts: sorted.map(({ destination, isFile }) => ({ path: utf8ToByteString(destination), file: isFile })),
  });
  return sorted.map((mount, i) => ({ ...mount, target: byteStringToUtf8(targets[i] ?? mount.destination) }));
}

/** True when {@link makeMounts} will make or use volumes. */
export function needsVolumes(options: CreateOptions, volumePaths: readonly string[]): boolean {
  return options.volumes.length + options.volumesFrom.length + volumePaths.length > 0;
}

/** Docker's `--volumes-from`: what another container has, at the same places. */
function mountsFrom({ volumesFrom }: CreateOptions, root: string): readonly Wanted[] {
  return volumesFrom.flatMap(({ container, readOnly }) =>
    new ContainerStore(root)
      .find(container)
      .config.mounts.filter(({ kind }) => kind === 'bind' || kind === 'volume')
      .map(({ target: _target, ...mount }) => ({ ...mount, readOnly: mount.readOnly || readOnly })),
  );
}

const anonymousVolume = (destination: string): VolumeRequest => ({ destination, readOnly: false, noCopy: false });

function depth(path: string): number {
  return clean(path).split('/').length;
}

function clean(path: string): string {
  return `/${path
    .split('/')
    .filter((name) => name !== '' && name !== '.')
    .join('/')}`;
}

/** Files of the container itself in place of the image's; their content is written when it starts. */
function systemFiles(directory: string): readonly Wanted[] {
  return ['hosts', 'hostname', 'resolv.conf'].map((name) => {
    const source = join(directory, name);
    writeFileSync(source, '', { mode: 0o644 });
    chmodSync(source, 0o644);
    return { kind: 'file', destination: `/etc/${name}`, source, isFile: true, readOnly: false };
  });
}

function initProgram(): Wanted {
  const source = ['docker-init', 'tini-static', 'tini', 'catatonit'].map((name) => findTool(name)).find(Boolean);
  if (source === undefined) {
    throw new BuildError('SANDBOX_UNAVAILABLE', '--init: no init program is installed', {
      hint: 'Install the package tini or catatonit.',
    });
  }
  return { kind: 'file', destination: INIT_PATH, source, isFile: true, readOnly: true };
}

function bind({ source, destination, readOnly, mustExist }: CreateOptions['binds'][number]): Wanted {
  if (!existsSync(source)) {
    if (mustExist) {
      throw new BuildError(
        'OPTION_INVALID',
        `invalid mount config for type "bind": bind source path does not exist: ${source}`,
      );
    }
    // As docker does for -v; root of the machine may not be ours to write to, and then the reason is told.
    mkdirSync(source, { recursive: true });
  }
  return { kind: 'bind', destination, source, isFile: !statSync(source).isDirectory(), readOnly };
}

/** One that is empty begins with what the image has at that place, owner and mode of the directory included. */
async function volume({ name, destination, readOnly, noCopy }: VolumeRequest, place: MountPlace): Promise<Wanted> {
  const { data, config } = await new VolumeStore(place.store.root).ensure(name);
  if (name === undefined) place.onVolume(config.name);
  if (config.ids !== undefined && config.ids !== DiskOwners.read().mapping)
    place.notice(
      `volume ${config.name} was created with a different mapping of user ids: its files may now have other owners`,
    );
  if (!noCopy && readdirSync(data).length === 0) await copyUp(destination, data, place);
  return {
    kind: 'volume',
    destination,
    source: data,
    isFile: false,
    readOnly,
    volume: config.name,
    ...(name === undefined ? { anonymous: true } : {}),
  };
}

async function copyUp(destination: string, data: string, { store, tree, signal }: MountPlace): Promise<void> {
  const path = tree.resolve(utf8ToByteString(destination).replace(/^\/+/, ''));
  const entry = path === undefined ? undefined : tree.lookup(path);
  if (path === undefined || entry?.type !== 'directory') return;
  const files = new StageTree(tree, store.layout.blobs);
  try {
    await fillDirectory(files, path, data, signal);
  } finally {
    files.close();
  }
  const owners = DiskOwners.read();
  chownSync(data, owners.uid(entry.uid), owners.gid(entry.gid));
  chmodSync(data, entry.mode);
}
