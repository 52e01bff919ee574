import { ATTESTED } from '@tsbuild/oci/internal';
import {
  type BlobStore,
  type ContainerConfig,
  familiarRepository,
  imageIdOf,
  isAttestation,
  type StoredImage,
  type StoredIndex,
} from '@tsbuild/oci/node';

/** Docker's way to write a time that it does not know. */
const NO_TIME = '0001-01-01T00:00:00Z';

/** An image of `size` bytes as `docker image inspect` prints it, in docker's order and with docker's empty values. */
export function imageDocument(image: StoredImage, size: number): Readonly<Record<string, unknown>> {
  const { config } = image;
  return {
    Id: imageIdOf(image),
    RepoTags: image.names.flatMap((name) => (name.tag === undefined ? [] : `${familiarRepository(name)}:${name.tag}`)),
    RepoDigests: image.names.flatMap((name) =>
      name.digest === undefined ? [] : `${familiarRepository(name)}@${name.digest}`,
    ),
    Parent: '',
    Comment: config.history?.at(-1)?.comment ?? '',
    Created: config.created ?? NO_TIME,
    DockerVersion: '',
    Author: config.author ?? '',
    Config: containerConfigDocument(config.config ?? {}),
    Architecture: config.architecture,
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Os: config.os,
    ...(config['os.version'] === undefined ? {} : { OsVersion: config['os.version'] }),
    Size: size,
    VirtualSize: size,
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: NO_TIME },
  };
}

/** What `docker image inspect` adds of an index: its descriptor, and each entry with the image behind it. */
export async function manifestsDocument(
  { descriptor, index, images }: StoredIndex,
  blobs: Pick<BlobStore, 'has'>,
  sizeOf: (layers: StoredImage['layers']) => Promise<number>,
): Promise<Readonly<Record<string, unknown>>> {
  const manifests: unknown[] = [];
  for (const entry of index.manifests) {
    const image = images.find(({ manifest }) => manifest.digest === entry.digest);
    const kind = isAttestation(entry) ? 'attestation' : 'image';
    const isHere = image !== undefined || (kind === 'attestation' && (await blobs.has(entry.digest)) !== undefined);
    const content = image === undefined ? (isHere ? entry.size : 0) : image.size + image.manifest.size;
    const size = image === undefined ? 0 : await sizeOf(image.layers);
    manifests.push({
      ID: entry.digest,
      Descriptor: entry,
      Available: isHere,
      Size: { Content: content, Total: content + size },
      Kind: kind,
      ...(kind === 'attestation'
        ? { AttestationData: { For: entry.annotations?.[ATTESTED] ?? '' } }
        : {
            ImageData: {
              Platform: image?.platform ?? entry.platform ?? {},
              Size: { Unpacked: size },
              Containers: null,
            },
          }),
    });
  }
  return { Descriptor: descriptor, Manifests: manifests };
}

/** Go's encoder writes what the config does not have as empty values, except what is marked `omitempty`. */
function containerConfigDocument(config: ContainerConfig): Readonly<Record<string, unknown>> {
  return {
    Hostname: '',
    Domainname: '',
    User: config.User ?? '',
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    ...present('ExposedPorts', sorted(config.ExposedPorts)),
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: config.Env ?? null,
    Cmd: config.Cmd ?? null,
    ...present('Healthcheck', config.Healthcheck),
    ...present('ArgsEscaped', config.ArgsEscaped === true ? true : undefined),
    Image: '',
    Volumes: sorted(config.Volumes) ?? null,
    WorkingDir: config.WorkingDir ?? '',
    Entrypoint: config.Entrypoint ?? null,
    OnBuild: config.OnBuild ?? null,
    Labels: sorted(config.Labels) ?? null,
    ...present('StopSignal', config.StopSignal || undefined),
    ...present('Shell', config.Shell),
  };
}

function present(key: string, value: unknown): Readonly<Record<string, unknown>> {
  return value === undefined ? {} : { [key]: value };
}

/** Go writes maps in the order of their keys. */
function sorted<Value>(map: Readonly<Record<string, Value>> | undefined): Record<string, Value> | undefined {
  if (map === undefined) return undefined;
  return Object.fromEntries(Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
