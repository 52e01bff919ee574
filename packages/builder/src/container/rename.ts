import type { Container } from '../container-state/container.ts';
import { ContainerStore } from '../container-state/container-store.ts';

/** Gives a container another name; it never has none. @throws BuildError `CONTAINER_NAME_TAKEN`, `OPTION_INVALID` */
export async function renameContainer(container: Container, wanted: string, root: string): Promise<void> {
  const containers = new ContainerStore(root);
  const before = container.name;
  const name = containers.claimName(wanted, container.id);
  try {
    await container.setName(name);
  } catch (error) {
    containers.releaseName(name, container.id);
    throw error;
  }
  containers.releaseName(before, container.id);
}
