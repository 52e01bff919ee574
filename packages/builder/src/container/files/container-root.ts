import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { utf8ToByteString } from '@tsbuild/oci';
import { processState } from '@tsbuild/oci/internal';
import { BuildError } from '../../diagnostics/build-error.ts';
import { readIdMaps } from '../../executor/id-map.ts';
import { overlayFlags } from '../../executor/sandbox-mounts.ts';
import type { Container } from '../../container-state/container.ts';
import { requireSameOwners } from '../same-owners.ts';
import { claimFiles } from './files-claim.ts';
import { MountHolder } from './mount-holder.ts';
import { isDirectory, RootedDirectory } from './rooted-directory.ts';

/** A container's files, held open; they are let go when this is disposed of. */
export interface ContainerRoot extends Disposable {
  readonly directory: RootedDirectory;
}

/** What a container's files are opened for. */
export type Purpose =
  | 'read'
  | 'write'
  /** To read its layers alone, without what is mounted into it; also of one that runs. */
  | 'layers';

/**
 * Opens a container's files. One that runs shows them as its own processes see them; one that does not, its layers with
 * its volumes and what is bound into it (no tmpfs: those live as long as it runs).
 * @throws BuildError `SANDBOX_UNAVAILABLE`, `CONTAINER_CONFLICT`
 */
export async function openContainerRoot(
  container: Container,
  purpose: Purpose,
  signal: AbortSignal,
): Promise<ContainerRoot> {
  if (purpose === 'layers') return mountLayers(container, purpose);
  for (;;) {
    const running = await settled(container, signal);
    if (running !== undefined) return rootOf(container, running);
    if (purpose === 'read') return mountLayers(container, purpose);
    const claim = await claimFiles(container, signal);
    // A monitor says who it is before it looks for claims: it waits for us, or we see it here and give way.
    if (isLookedAfter(container)) {
      claim[Symbol.dispose]();
      continue;
    }
    try {
      const root = await mountLayers(container, purpose);
      return { directory: root.directory, [Symbol.dispose]: () => (root[Symbol.dispose](), claim[Symbol.dispose]()) };
    } catch (error) {
      claim[Symbol.dispose]();
      throw error;
    }
  }
}

/** The first process of the container when it runs; one that is being started is waited for. */
async function settled(container: Container, signal: AbortSignal): Promise<number | undefined> {
  for (;;) {
    const { status, process } = container.state();
    if (status === 'running' || status === 'paused') return process?.pid;
    if (!isLookedAfter(container)) return undefined;
    await sleep(20, undefined, { signal });
  }
}

/** Whether it runs, or is about to. */
function isLookedAfter(container: Container): boolean {
  const { status, monitor } = container.state();
  return status === 'running' || status === 'paused' || (monitor !== undefined && processState(monitor) === 'running');
}

function rootOf(container: Container, pid: number): ContainerRoot {
  try {
    const directory = new RootedDirectory(`/proc/${pid}/root`);
    return { directory, [Symbol.dispose]: () => directory[Symbol.dispose]() };
  } catch (cause) {
    throw new BuildError('CONTAINER_CONFLICT', `the files of container ${container.shortId} cannot be reached`, {
      hint: 'It may have just exited: try again.',
      cause,
    });
  }
}

async function mountLayers(container: Container, purpose: Purpose): Promise<ContainerRoot> {
  requireSameOwners(container);
  const target = join(container.directory, 'merged');
  mkdirSync(target, { recursive: true, mode: 0o755 });
  const name = (path: string): string => relative(container.directory, path);
  const lower = container.lower.map(name).toReversed();
  const layers =
    purpose === 'write'
      ? `lowerdir=${lower.join(':')},upperdir=${name(container.upper)},workdir=${name(container.work)}`
      : `ro,lowerdir=${[name(container.upper), ...lower].join(':')}`;
  const options = `nodev,${layers},${overlayFlags(readIdMaps())}`;
  const holder = await MountHolder.start({ base: container.directory, options, target });
  try {
    if (purpose !== 'layers') await bindMounts(container, holder);
    // Opened last: what is mounted on the way down must be seen.
    const directory = new RootedDirectory(holder.directory);
    return {
      directory,
      [Symbol.dispose]: () => {
        directory[Symbol.dispose]();
        holder[Symbol.dispose]();
      },
    };
  } catch (error) {
    holder[Symbol.dispose]();
    throw error;
  }
}

/** Binds go over what is there: a container that took the place away, or put a link there, has it no more. */
async function bindMounts(container: Container, holder: MountHolder): Promise<void> {
  using root = new RootedDirectory(holder.directory);
  for (const { kind, source, target } of container.config.mounts) {
    if (kind === 'tmpfs' || !existsSync(source)) continue;
    using place = find(root, target);
    if (place?.fd === undefined || isDirectory(place.stats) !== statSync(source).isDirectory()) continue;
    await holder.bind(source, place.fd);
  }
}

function find(root: RootedDirectory, target: string): ReturnType<RootedDirectory['find']> | undefined {
  try {
    return root.find(utf8ToByteString(target), false);
  } catch {
    return undefined;
  }
}
