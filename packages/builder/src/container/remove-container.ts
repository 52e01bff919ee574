import { BuildError } from '../diagnostics/build-error.ts';
import { removeStaleCgroups } from '../executor/cgroups.ts';
import type { Store } from '../store/store.ts';
import type { Container } from '../container-state/container.ts';
import { ContainerStore } from '../container-state/container-store.ts';
import { killContainer } from './stop.ts';
import { removeAnonymousVolumes } from './volumes/volume-use.ts';

/** How {@link removeContainer} removes. */
export interface RemoveOptions {
  /** Kill it when it runs. */
  readonly force: boolean;
  readonly volumes: boolean;
}

/**
 * Removes a container with its writable layer, and the volumes that nobody named where `volumes` is set.
 * @throws BuildError `CONTAINER_CONFLICT` when it runs and `force` is not set
 */
export async function removeContainer(
  container: Container,
  store: Store,
  { force, volumes }: RemoveOptions,
): Promise<void> {
  if (container.isRunning) {
    if (!force) {
      throw new BuildError(
        'CONTAINER_CONFLICT',
        `You cannot remove a running container ${container.id}. Stop the container before attempting removal or force remove`,
        {
          hint: `tsbuild stop ${container.name}, or tsbuild rm -f ${container.name}`,
        },
      );
    }
    await killContainer(container, 'SIGKILL').catch((error: unknown) => {
      if (!(error instanceof BuildError && error.code === 'CONTAINER_NOT_RUNNING')) throw error;
    });
  }
  await new ContainerStore(store.root).remove(container);
  if (volumes) await removeAnonymousVolumes(container, store.root);
  // What a killed monitor left of its container.
  removeStaleCgroups();
}
