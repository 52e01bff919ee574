import type { Platform } from '@tsbuild/oci';
import type { HostEntry, ResourceLimit, TmpfsOptions } from '../executor/executor.ts';
import type { Isolation } from '../executor/executor.ts';
import type { NetworkMode, PortMapping } from '../container-state/container-config.ts';

/** What {@link createContainer} makes; what is left out is as the image says. */
export interface CreateOptions {
  /** Name or ID of an image of the store. */
  readonly image: string;
  /** Of an index, the image for this platform; for this machine's, else the first, unless told. */
  readonly platform?: Platform;
  readonly name?: string;
  /** CMD in place of the image's. */
  readonly command: readonly string[];
  /** ENTRYPOINT in place of the image's, which also takes its CMD away; an empty list for none. */
  readonly entrypoint?: readonly string[];
  /** `KEY=value`, over the image's. */
  readonly environment: readonly string[];
  readonly labels: ReadonlyMap<string, string>;
  readonly binds: readonly BindRequest[];
  /** Beside the image's VOLUMEs. */
  readonly volumes: readonly VolumeRequest[];
  /** Containers whose volumes and binds this one gets too. */
  readonly volumesFrom: readonly { readonly container: string; readonly readOnly: boolean }[];
  readonly tmpfs: readonly TmpfsRequest[];
  readonly workingDirectory?: string;
  readonly user?: string;
  readonly terminal: boolean;
  readonly openStdin: boolean;
  readonly network: NetworkMode;
  readonly ports: readonly PortMapping[];
  /** `80/tcp`, beside the image's EXPOSE and the mapped ones: said of the container, and of images that are made of it. */
  readonly exposedPorts?: readonly string[];
  readonly readOnly: boolean;
  readonly hostname?: string;
  readonly hosts: readonly HostEntry[];
  /** Run a small init as the first process, which passes signals on and reaps. */
  readonly init: boolean;
  readonly stopSignal?: string;
  /** Bytes of /dev/shm. */
  readonly shmSize?: number;
  /** In small letters without prefix, as `readCapabilities` gives them. */
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly noNewPrivileges?: boolean;
  readonly limits?: readonly ResourceLimit[];
  readonly isolation: Exclude<Isolation, 'chroot'>;
  readonly autoRemove: boolean;
}

/** A directory or file of the host, shown in the container. */
export interface BindRequest {
  /** Absolute. */
  readonly source: string;
  readonly destination: string;
  readonly readOnly: boolean;
  /** Otherwise a missing source is made as a directory. */
  readonly mustExist: boolean;
}

/** A volume of the store, shown in the container; made when it is missing. */
export interface VolumeRequest {
  /** Without one it is a new volume, the container's own. */
  readonly name?: string;
  readonly destination: string;
  readonly readOnly: boolean;
  /** Leave an empty volume empty; otherwise it begins with what the image has there. */
  readonly noCopy: boolean;
}

/** A directory in memory, empty at each start. */
export interface TmpfsRequest extends TmpfsOptions {
  readonly destination: string;
  readonly readOnly: boolean;
}
