import { BuildError } from '../../diagnostics/build-error.ts';
import type { Container } from '../../container-state/container.ts';
import { ContainerStore } from '../../container-state/container-store.ts';
import { type Volume, VolumeStore } from '../../container-state/volume-store.ts';

/** The IDs of the containers that each volume is mounted in. */
export function volumeUsers(root: string): ReadonlyMap<string, readonly string[]> {
  const users = new Map<string, string[]>();
  for (const { id, config } of new ContainerStore(root).list()) {
    for (const name of new Set(config.mounts.flatMap(({ volume }) => volume ?? []))) {
      users.set(name, [...(users.get(name) ?? []), id]);
    }
  }
  return users;
}

/** @throws BuildError `VOLUME_NOT_FOUND`, `VOLUME_IN_USE` */
export async function removeVolume(name: string, root: string, signal: AbortSignal): Promise<void> {
  const volumes = new VolumeStore(root);
  using _lock = await volumes.lock(signal);
  const volume = volumes.find(name);
  const users = volumeUsers(root).get(name);
  if (users === undefined) return volumes.remove(volume);
  throw new BuildError('VOLUME_IN_USE', `remove ${name}: volume is in use - [${users.join(', ')}]`, {
    hint: 'remove the container first: tsbuild rm -f ID',
  });
}

/** Removes those of the volumes that no container uses and that `wanted` names; returns them. */
export async function pruneVolumes(
  root: string,
  wanted: (volume: Volume) => boolean,
  signal: AbortSignal,
): Promise<readonly Volume[]> {
  const volumes = new VolumeStore(root);
  using _lock = await volumes.lock(signal);
  const users = volumeUsers(root);
  const unused = volumes.list().filter((volume) => !users.has(volume.config.name) && wanted(volume));
  for (const volume of unused) await volumes.remove(volume);
  return unused;
}

/** Removes the volumes that nobody named of a container that is gone, but for those that others use. */
export async function removeAnonymousVolumes({ config }: Container, root: string): Promise<void> {
  const own = new Set(config.mounts.flatMap(({ volume, anonymous }) => (anonymous === true ? (volume ?? []) : [])));
  if (own.size === 0) return;
  await pruneVolumes(root, ({ config: { name } }) => own.has(name), new AbortController().signal);
}
