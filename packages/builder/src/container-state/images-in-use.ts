import type { Digest } from '@tsbuild/oci';
import { imageIdOf, type StoredImage } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';
import { ContainerStore } from './container-store.ts';
import type { Container } from './container.ts';

/** The containers of images, those that run first. */
function containersOf(images: readonly Digest[], root: string): readonly Container[] {
  return new ContainerStore(root)
    .list()
    .filter(({ config }) => images.includes(config.image.id))
    .toSorted((a, b) => Number(b.isRunning) - Number(a.isRunning));
}

/**
 * Whether an image may be removed under `name`, by docker's rules: the last name of an image that a container uses only
 * with `force`, and with it the image too unless the container runs; by its ID never while a container runs.
 * @param members of an index, all its images; the image alone unless told
 * @returns `name` when only the name may go, `image` when the image may go with it
 * @throws BuildError `CONTAINER_CONFLICT`
 */
export function removalOf(
  image: StoredImage,
  name: string,
  root: string,
  force: boolean,
  members: readonly Pick<StoredImage, 'id'>[] = [image],
): 'name' | 'image' {
  const [container] = containersOf(
    members.map(({ id }) => id),
    root,
  );
  if (container === undefined) return 'image';
  const id = imageIdOf(image);
  const short = id.slice('sha256:'.length, 'sha256:'.length + 12);
  const byId =
    /^(?:sha256:)?[0-9a-f]+$/.test(name) && id.replace('sha256:', '').startsWith(name.replace('sha256:', ''));
  const { isRunning, shortId } = container;
  if (!byId) {
    if (image.names.length > 1) return 'name';
    if (force) return isRunning ? 'name' : 'image';
    throw conflict(
      `unable to remove repository reference ${JSON.stringify(name)} (must force) - container ${shortId} is using its referenced image ${short}`,
      `remove the container first: tsbuild rm ${container.name}`,
    );
  }
  if (isRunning) {
    throw conflict(
      `unable to delete ${short} (cannot be forced) - image is being used by running container ${shortId}`,
      `stop and remove the container first: tsbuild rm -f ${container.name}`,
    );
  }
  if (force) return 'image';
  throw conflict(
    `unable to delete ${short} (must be forced) - image is being used by stopped container ${shortId}`,
    `remove the container first: tsbuild rm ${container.name}`,
  );
}

function conflict(message: string, hint: string): BuildError {
  return new BuildError('CONTAINER_CONFLICT', `conflict: ${message}`, { hint });
}
