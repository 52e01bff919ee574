import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { formatPlatform, utf8ToByteString } from '@tsbuild/oci';
import type { RegistryOptions, RootfsTree, StoredImage } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';
import { ensureDirectory } from '../executor/mount-points.ts';
import { readTreeFile } from '../ops/run/tree-file.ts';
import { silentReporter } from '../progress/reporter.ts';
import { bringLayers } from '../shared-cache/layers-at-hand.ts';
import { DiskOwners } from '../disk/disk-owners.ts';
import { layOutOverlay } from '../snapshot/overlay-layout.ts';
import { removeTree } from '../disk/remove-tree.ts';
import { ScratchSpace } from '../disk/scratch-space.ts';
import { UnpackedLayers } from '../snapshot/unpacked-layers.ts';
import { canOverlay } from '../snapshot/select.ts';
import type { Store } from '../store/store.ts';
import { Container } from '../container-state/container.ts';
import type { ContainerDescription } from '../container-state/container-config.ts';
import { INIT_PATH, makeMounts, needsVolumes } from './container-mounts.ts';
import { ContainerStore } from '../container-state/container-store.ts';
import type { CreateOptions } from './create-options.ts';
import { imageTree } from './image-trees.ts';
import { VolumeStore } from '../container-state/volume-store.ts';
import { pruneVolumes } from './volumes/volume-use.ts';
import { mergeConfig } from './run-config.ts';

/** What {@link createContainer} tells its caller. */
export interface CreateSurroundings {
  readonly notice: (text: string) => void;
  readonly signal: AbortSignal;
  /** How registries are reached, should the image have layers that only a shared cache has; as the environment says unless told. */
  readonly registry?: () => Promise<RegistryOptions>;
}

/**
 * Makes a container of an image of the store: its layers are unpacked once for all containers and builds, the container
 * gets a thin writable layer over them.
 * @throws BuildError, OciError; nothing of the container is left then
 */
export async function createContainer(
  options: CreateOptions,
  store: Store,
  { notice, signal, registry = async () => ({}) }: CreateSurroundings,
): Promise<Container> {
  await using _lease = await store.layout.lease();
  const { platform } = options;
  const image = await store.layout.resolve(options.image, platform === undefined ? {} : { platform });
  await bringLayers(image.layers, store, { registry, reporter: silentReporter, signal });
  if (!(await canOverlay(store.directory('mounts')))) {
    throw new BuildError('SANDBOX_UNAVAILABLE', 'containers need overlayfs, which cannot be mounted here', {
      hint: 'Put the store on ext4, xfs or tmpfs (--root); user namespaces need Linux 5.11.',
    });
  }
  const containers = new ContainerStore(store.root);
  const { id, name, directory } = containers.reserve(options.name);
  const unnamed: string[] = [];
  try {
    const merged = mergeConfig(image.config.config ?? {}, options);
    const tree = await layOut(image, store, directory, { notice, signal });
    const volumePaths = Object.keys(merged.config.Volumes ?? {});
    // Until the container is there nobody may take its volumes for unused.
    using _volumes = needsVolumes(options, volumePaths) ? await new VolumeStore(store.root).lock(signal) : undefined;
    const mounts = await makeMounts(options, {
      store,
      tree,
      directory,
      initLayer: join(directory, 'init'),
      volumePaths,
      onVolume: (volume) => unnamed.push(volume),
      notice,
      signal,
    });
    const config: ContainerDescription = {
      version: 1,
      id,
      name,
      created: new Date().toISOString(),
      image: describe(image, options),
      config: merged.config,
      argv: options.init ? [INIT_PATH, '--', ...merged.argv] : merged.argv,
      terminal: options.terminal,
      openStdin: options.openStdin,
      hostname: options.hostname ?? id.slice(0, 12),
      network: options.network,
      ports: options.ports,
      mounts,
      readOnly: options.readOnly,
      ...(options.capAdd && { capAdd: options.capAdd }),
      ...(options.capDrop && { capDrop: options.capDrop }),
      ...(options.noNewPrivileges && { noNewPrivileges: options.noNewPrivileges }),
      ...(options.limits && { limits: options.limits }),
      isolation: options.isolation,
      autoRemove: options.autoRemove,
      ids: DiskOwners.read().mapping,
      ...(options.shmSize === undefined ? {} : { shmSize: options.shmSize }),
    };
    writeFileSync(
      join(directory, 'hosts.added'),
      options.hosts.map((each) => `${each.address}\t${each.name}\n`).join(''),
      { mode: 0o600 },
    );
    keepAccounts(tree, store, directory);
    const workingDirectory = utf8ToByteString(merged.config.WorkingDir ?? '/');
    // A directory that a mount shows is none of the container's.
    if (!mounts.some(({ target }) => within(workingDirectory, target))) {
      ensureDirectory(tree, join(directory, 'upper'), workingDirectory);
    }
    return await Container.write(directory, config);
  } catch (error) {
    containers.releaseName(name, id);
    await removeTree(directory);
    if (unnamed.length > 0) {
      await pruneVolumes(store.root, (volume) => unnamed.includes(volume.config.name), new AbortController().signal);
    }
    throw error;
  }
}

function within(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

async function layOut(
  image: StoredImage,
  store: Store,
  directory: string,
  { notice, signal }: CreateSurroundings,
): Promise<RootfsTree> {
  const layers = new UnpackedLayers(
    { directory: store.directory('snapshots'), blobs: store.layout.blobs, indexes: store.indexes, notice },
    new ScratchSpace(store.directory('mounts')),
  );
  const unpacked = await layers.ensure(image.layers, signal);
  const tree = await imageTree(store, image.layers);
  // Relative links: the store may be moved while no container runs.
  const links = join(directory, 'l');
  layOutOverlay(
    directory,
    unpacked.map((path) => relative(links, path)),
    tree,
  );
  mkdirSync(join(directory, 'init'), { mode: 0o755 });
  return tree;
}

/** The image's user database, so that a start need not read the image's layers again. */
function keepAccounts(tree: RootfsTree, store: Store, directory: string): void {
  for (const name of ['passwd', 'group']) {
    const content = readTreeFile(tree, store.layout.blobs, `etc/${name}`);
    if (content !== undefined) writeFileSync(join(directory, name), content, { mode: 0o600 });
  }
}

function describe(image: StoredImage, options: CreateOptions): ContainerDescription['image'] {
  const { os, architecture, variant } = image.config;
  return {
    id: image.id,
    manifest: image.manifest.digest,
    name: options.image,
    layers: image.layers.map(({ digest, size }) => ({ digest, size })),
    platform: formatPlatform({ os, architecture, ...(variant === undefined ? {} : { variant }) }),
  };
}
