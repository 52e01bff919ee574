import { ContainerStore, removeContainer, type Store } from '@tsbuild/builder';
import type { Host } from '../host/host.ts';
import type { Prunable } from './prune-filter.ts';

/** Removes the containers that do not run, and lists them as docker does. */
export async function pruneContainers(
  store: Store,
  root: string,
  keeps: (candidate: Prunable) => boolean,
  host: Host,
): Promise<void> {
  const removed: string[] = [];
  for (const container of new ContainerStore(root).list()) {
    const { created, config } = container.config;
    if (container.isRunning || !keeps({ created, labels: config.Labels })) continue;
    await removeContainer(container, store, { force: false, volumes: false });
    removed.push(container.id);
  }
  if (removed.length > 0) host.stdout.write(`Deleted Containers:\n${removed.join('\n')}\n\n`);
}
