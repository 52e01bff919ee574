import type { Environment } from '@tsbuild/oci/node';
import type { ArchiveSink, RegistryOptions, StoredImage } from '@tsbuild/oci/node';
import type { ProgressReporter } from '../progress/reporter.ts';
import type { Store } from '../store/store.ts';
import type { PushResult, PushSignature } from '../transfer/push.ts';

/** An image of the store on its way out: what `build()` gives, for one. */
export interface ImageToExport {
  /** Where it was chosen from an index (`image.index`), that goes out with all its images, if the place can take several. */
  readonly image: StoredImage;
  /** The names that it bears where it goes; they are checked as references. */
  readonly names: readonly string[];
}

/** What an exporter works with. */
export interface ExportWork {
  /** The store that has the image. */
  readonly store: Store;
  /** Told of transfers, and as notices of what could not be brought there. */
  readonly reporter: ProgressReporter;
  readonly signal: AbortSignal;
  /** How registries are reached when the image has layers that only a shared cache has; as the environment says unless told. */
  readonly registry?: RegistryOptions;
}

/** What became of an image. */
export interface ExportResult {
  /** What registries have now, in the order of the names: another manifest than the store's, as layers travel compressed. */
  readonly pushed: readonly PushResult[];
}

/**
 * A place that images are brought to. What is there changes whole or not at all: a failure or an abort leaves what was there
 * before, and no temporary file. (A stream or an engine that was sent half of an archive cannot take it back; an engine
 * refuses it.)
 */
export interface Exporter {
  /**
   * Whether an image can go there, as far as that can be told without one: asked before a build of minutes.
   * @throws BuildError `EXPORT_FAILED`
   */
  check(): Promise<void>;
  /**
   * @throws BuildError `EXPORT_FAILED`, OciError, the file system's errors; the signal's reason when aborted; OutputLost when
   * a layer that only a shared cache had is gone: `store.forgetOutput()` and a new build make it again
   */
  export(image: ImageToExport, work: ExportWork): Promise<ExportResult>;
}

/** A file, or whoever takes the bytes. */
export interface BytesTarget {
  /** A path (absolute), which appears whole or not at all unless it is a pipe or a device; or a sink. */
  readonly to: string | ArchiveSink;
  /** The path as messages name it; default the path. */
  readonly shownAs?: string;
}

/** A directory. */
export interface DirectoryTarget {
  /** Absolute. */
  readonly directory: string;
  /** The directory as messages name it; default its path. */
  readonly shownAs?: string;
}

/** What becomes of an index where only files go. */
export interface PlatformSplit {
  /** A directory for each platform (`linux_arm64`), the default; else all files in one, of which no two may be the same. */
  readonly platformSplit?: boolean;
  /** What the names of attestations begin with. */
  readonly attestationPrefix?: string;
}

/** Registries, each by the names of the image. */
export interface RegistryTarget {
  readonly registry: RegistryOptions;
  /** Under its digest alone: no tag of the repository changes. */
  readonly byDigest?: boolean;
  /** The registries of these names may speak HTTP, or have a certificate that nobody knows. */
  readonly insecure?: boolean;
  /** Of the manifest; those of the image in the store unless told. The images of an index keep theirs. */
  readonly annotations?: ReadonlyMap<string, string>;
  /** Signs what is pushed, before its tag moves. */
  readonly sign?: PushSignature;
  /** Told of each name as soon as the registry has it: a later one may fail. */
  readonly onPushed?: (pushed: PushResult) => void;
}

/** The Docker engine that the environment names, by its API or by the docker command. */
export interface EngineTarget {
  /** DOCKER_HOST, DOCKER_CONTEXT and their like, and PATH for the docker command. */
  readonly environment: Environment;
  /** What the engine says: text of another program. */
  readonly onOutput?: (text: string) => void;
}

/** Where an image goes. */
export type ExportTarget =
  /** One tar that is an OCI layout and a docker-archive at once. */
  | ({ readonly kind: 'archive' } & BytesTarget)
  /** The files of the image as one tar. */
  | ({ readonly kind: 'tar' } & BytesTarget & PlatformSplit)
  /** The files of the image in a directory, over what is there; they are the caller's own. */
  | ({ readonly kind: 'files' } & DirectoryTarget & PlatformSplit)
  /** An OCI image layout; the image is added to one that is there. */
  | ({ readonly kind: 'layout' } & DirectoryTarget)
  | ({ readonly kind: 'registry' } & RegistryTarget)
  | ({ readonly kind: 'engine' } & EngineTarget);
