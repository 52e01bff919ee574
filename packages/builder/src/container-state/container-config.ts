import { type BlobInfo, type ContainerConfig as ImageRunConfig, type Digest, isDigest } from '@tsbuild/oci';
import { fieldsOf } from '../disk/json-members.ts';
import type { ResourceLimit, TmpfsOptions } from '../executor/executor.ts';

/** What a container is, from its creation on: `containers/<id>/config.json`. Only its name ever changes. */
export interface ContainerDescription {
  readonly version: 1;
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  /** RFC 3339. */
  readonly created: string;
  readonly image: ContainerImage;
  /** The image's config with what the command line changed. */
  readonly config: ImageRunConfig;
  /** ENTRYPOINT and CMD, or what took their place. */
  readonly argv: readonly string[];
  /** Keep standard input open although nobody is attached. */
  readonly openStdin: boolean;
  readonly terminal: boolean;
  readonly hostname: string;
  readonly network: NetworkMode;
  readonly ports: readonly PortMapping[];
  /** What is mounted, in this order; later ones may lie in earlier ones. */
  readonly mounts: readonly ContainerMount[];
  readonly readOnly: boolean;
  readonly shmSize?: number;
  /** Capabilities beside the usual ones, and without some of them; `all` can be dropped. */
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly noNewPrivileges?: boolean;
  readonly limits?: readonly ResourceLimit[];
  readonly isolation: 'auto' | 'runc' | 'namespaces';
  /** Remove the container, with its volumes, when it has ended. */
  readonly autoRemove: boolean;
  /** The mapping of ids that its files were made under (`DiskOwners.mapping`); missing in older containers. */
  readonly ids?: string;
}

/** Tells a config from other JSON; one without a checksum may be anything. */
export function isContainerConfig(value: unknown): value is ContainerDescription {
  const { version, id, name, created, image, config, argv, mounts, ports } = fieldsOf(value);
  const { id: imageId, manifest, layers } = fieldsOf(image);
  return (
    version === 1 &&
    [id, name, created].every((text) => typeof text === 'string') &&
    [imageId, manifest].every(isDigest) &&
    [argv, mounts, ports, layers].every(Array.isArray) &&
    (layers as readonly unknown[]).every((layer) => isDigest(fieldsOf(layer)['digest'])) &&
    (mounts as readonly unknown[]).every((mount) => typeof fieldsOf(mount)['destination'] === 'string') &&
    typeof config === 'object' &&
    config !== null
  );
}

/** The image as it was when the container was made: it may lose its names, but not its layers. */
interface ContainerImage {
  readonly id: Digest;
  readonly manifest: Digest;
  /** As it was asked for. */
  readonly name: string;
  /** Uncompressed, lowest first. */
  readonly layers: readonly BlobInfo[];
  readonly platform: string;
}

/** `host` shares the machine's network, `none` has loopback only, `private` is a network of its own by a user-mode tool. */
export type NetworkMode = 'host' | 'none' | 'private';

/** One port of the machine that leads to one of the container. */
export interface PortMapping {
  readonly protocol: 'tcp' | 'udp';
  /** Of the machine; `''` for all its addresses. */
  readonly address: string;
  readonly hostPort: number;
  readonly containerPort: number;
}

/** Something mounted into a container. */
export interface ContainerMount {
  readonly kind: 'bind' | 'volume' | 'tmpfs' | 'file';
  /** As it was written. */
  readonly destination: string;
  /** Where that is, free of the image's links. */
  readonly target: string;
  /** On the host; `''` for a tmpfs. */
  readonly source: string;
  readonly isFile: boolean;
  readonly readOnly: boolean;
  readonly size?: number;
  /** What else a tmpfs is like. */
  readonly tmpfs?: Omit<TmpfsOptions, 'size'>;
  /** The volume's name. */
  readonly volume?: string;
  /** Nobody named the volume, so it goes with the container where that is asked for. */
  readonly anonymous?: true;
}
