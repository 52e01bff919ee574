import { chmodSync, chownSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { byteStringToUtf8, utf8ToByteString } from '@tsbuild/oci';
import type { RootfsTree } from '@tsbuild/oci/node';
import { BuildError } from '../errors.ts';
import { findTool } from '../executor/host-tools.ts';
import { prepareMountPoints } from '../executor/mount-points.ts';
import { fillDirectory } from '../ops/fill-directory.ts';
import { StageTree } from '../ops/stage-tree.ts';
import { DiskOwners } from '../snapshot/disk-owners.ts';
import type { Store } from '../store.ts';
import type { ContainerMount } from './container-config.ts';
import type { CreateOptions } from './create-options.ts';

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
  readonly signal: AbortSignal;
}

/**
 * Makes everything that is mounted into a container, and the places for it in the layer below the container's own:
 * `/etc/hosts` and its like, binds, volumes with what the image has there, tmpfs.
 */
export function makeMounts(options: CreateOptions, place: MountPlace): readonly ContainerMount[] {
  const taken = new Set([...options.binds, ...options.tmpfs].map(({ destination }) => clean(destination)));
  const volumes = [...new Set([...place.volumePaths, ...options.volumes].map(clean))].filter(
    (path) => !taken.has(path),
  );
  const wanted: Wanted[] = [
    ...systemFiles(place.directory),
    ...(options.init ? [initProgram()] : []),
    ...volumes.map((destination, i) => volume(destination, i, place)),
    ...options.binds.map(bind),
    ...options.tmpfs.map(
      ({ destination, size }): Wanted => ({
        kind: 'tmpfs',
        destination,
        source: '',
        isFile: false,
        readOnly: false,
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
    writeFileSync(source, '');
    chmodSync(source, 0o644);
    return { kind: 'file', destination: `/etc/${name}`, source, isFile: true, readOnly: false };
  });
}

function initProgram(): Wanted {
  const source = ['docker-init', 'tini-static', 'tini', 'catatonit'].map((name) => findTool(name)).find(Boolean);
  if (source === undefined) {
    throw new BuildError('SANDBOX_UNAVAILABLE', '--init: there is no init program on this machine', {
      hint: 'Install the package tini or catatonit.',
    });
  }
  return { kind: 'file', destination: INIT_PATH, source, isFile: true, readOnly: true };
}

function bind({ source, destination, readOnly }: CreateOptions['binds'][number]): Wanted {
  // As docker does for -v; root of the machine may not be ours to write to, and then the reason is told.
  if (!existsSync(source)) mkdirSync(source, { recursive: true });
  return { kind: 'bind', destination, source, isFile: !statSync(source).isDirectory(), readOnly };
}

/** A directory of the container's own with what the image has at that place. */
function volume(destination: string, index: number, { store, tree, directory, signal }: MountPlace): Wanted {
  const source = join(directory, 'volumes', String(index));
  mkdirSync(source, { recursive: true });
  const path = tree.resolve(utf8ToByteString(destination).replace(/^\/+/, ''));
  const entry = path === undefined ? undefined : tree.lookup(path);
  if (path !== undefined && entry?.type === 'directory') {
    const files = new StageTree(tree, store.layout.blobs);
    try {
      fillDirectory(files, path, source, signal);
    } finally {
      files.close();
    }
    const owners = DiskOwners.read();
    chownSync(source, owners.uid(entry.uid), owners.gid(entry.gid));
  }
  chmodSync(source, entry?.type === 'directory' ? entry.mode : 0o755);
  return { kind: 'volume', destination, source, isFile: false, readOnly: false };
}
