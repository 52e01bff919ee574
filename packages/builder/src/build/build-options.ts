import type { InTotoStatement, RegistryOptions, StoredImage } from '@tsbuild/oci/node';
import type { BuildRecord } from '../explain/build-record.ts';
import type { ContextObserver } from '../context/observed-tree.ts';
import type { HostEntry, ResourceLimit } from '../executor/executor.ts';
import type { Isolation } from '../executor/executor.ts';
import type { FailedRun } from '../ops/dependencies.ts';
import type { SecretSource } from '../mounts/secrets.ts';
import type { Material } from '../attestation/material.ts';
import type { AttestationOptions } from '../attestation/attestation-options.ts';
import type { CacheCounts } from '../progress/event.ts';
import type { CacheSpec } from '../shared-cache/flags/cache-spec.ts';
import type { Verification } from '../progress/verification.ts';

/** Where a build context comes from that is no directory. */
export type ContextOrigin =
  /** A Dockerfile without context, or a tar archive, plain or compressed: the content decides. Read once. */
  | { readonly kind: 'stream'; readonly bytes: AsyncIterable<Uint8Array> }
  /** A git repository, an archive or a Dockerfile, as `docker build URL` takes it. */
  | { readonly kind: 'url'; readonly url: string };

/** What to build and how; `tsbuild build`'s flags. */
export interface BuildOptions {
  /** The build context, a directory unless told. */
  readonly context: string | ContextOrigin;
  /**
   * Path of the Dockerfile, on this machine for a directory, else inside the context; default `Dockerfile` in the context.
   * It may be a URL.
   */
  readonly dockerfile?: string;
  /** The Dockerfile's text, in place of a path. */
  readonly dockerfileText?: string;
  /**
   * Named contexts, which stand in for stages and images of these names: a directory (absolute), `docker-image://NAME`,
   * `oci-layout://DIR[:TAG|@DIGEST]`, or the URL of a git repository or an archive.
   */
  readonly contexts?: ReadonlyMap<string, string>;
  /** The Dockerfile's name in messages; default its path. */
  readonly dockerfileName?: string;
  /** Names for the image. */
  readonly tags: readonly string[];
  /** Values for ARGs; undefined takes the value from `environment`. */
  readonly buildArgs: ReadonlyMap<string, string | undefined>;
  /** The caller's environment; nothing of it reaches a command unless an option names it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The stage to build; default the last one. */
  readonly target?: string;
  /** `os/arch[/variant]` of the image; that of this machine unless told. A RUN of another one may need an emulator (docs/emulation.md). */
  readonly platform?: string;
  /**
   * Several of them: the image is an index then. `all` alone are those that the base images have in common. Steps that
   * platforms have in common run once.
   */
  readonly platforms?: readonly string[];
  /** An index also where there is one platform. */
  readonly index?: boolean;
  /** Ask registries for base images although the store has them. */
  readonly pull: boolean;
  /** How registries are reached. */
  readonly registry: RegistryOptions;
  /** Places of other machines whose cache is read, in this order, and whose cache is written; see `parseCacheSpecs`. */
  readonly cacheFrom?: readonly CacheSpec[];
  readonly cacheTo?: readonly CacheSpec[];
  /** Milliseconds that writing to shared caches may take after the build; 60 s or a quarter of the build's time unless told. */
  readonly cacheDrain?: number;
  /** Execute every step, whatever the cache holds. */
  readonly noCache: boolean;
  /** Execute the steps of these stages (names), whatever the cache holds. */
  readonly noCacheFilter?: readonly string[];
  /** Values for `RUN --mount=type=secret`, by id. They reach the commands that ask for them, and nothing else. */
  readonly secrets?: ReadonlyMap<string, SecretSource>;
  /** Sockets of SSH agents for `RUN --mount=type=ssh`, by id. */
  readonly agents?: ReadonlyMap<string, string>;
  /** Names for /etc/hosts of the sandbox, with their addresses. */
  readonly hosts?: readonly HostEntry[];
  /** Bytes of the sandbox's /dev/shm; default 64 MiB. */
  readonly shmSize?: number;
  /** Resource limits of commands. */
  readonly limits?: readonly ResourceLimit[];
  /** What a Dockerfile may ask for beyond the usual, e.g. `security.insecure`. */
  readonly allow?: readonly string[];
  /** What RUN may reach; `default` is the host's network. */
  readonly network: 'default' | 'host' | 'none';
  readonly isolation: Isolation;
  /**
   * Called once before the first command is executed, and not by a build that is cached: a program that has not called
   * {@link prepareProcess} yet calls it here.
   */
  readonly beforeCommands?: () => Promise<void>;
  /** Asked when a RUN failed, before the build ends: it may run a shell in the state before the command. */
  readonly onFailedRun?: (failed: FailedRun) => Promise<void>;
  /** Labels added last. */
  readonly labels: ReadonlyMap<string, string>;
  /** Annotations of the image's manifest; with several platforms, of each. */
  readonly annotations?: ReadonlyMap<string, string>;
  /** Annotations of some manifests, of entries of an index, or of an index. */
  readonly placedAnnotations?: readonly PlacedAnnotation[];
  /** `SOURCE_DATE_EPOCH`, seconds since 1970: everything new gets no later time. */
  readonly epoch?: number;
  /** Told what the build reads of directories of the machine, before it does. */
  readonly observer?: ContextObserver;
  /** Build twice without the cache and compare; the first image is the one that stays. */
  readonly verify?: boolean;
  /** Fail rather than execute a step: any one (`''`), or those of a number, a stage, or `STAGE/N`. */
  readonly failOnMiss?: string;
  /** The image is not listed in the store, under no name: what the steps made is in the cache, and that is all. */
  readonly cacheOnly?: boolean;
  /** What is said of the image beside it: the image is an index then. Nothing unless told. */
  readonly attestations?: AttestationOptions;
  /** The version of the program that builds, for the record of the build. */
  readonly version?: string;
  /** Given the record of the build when that is kept, also of one that failed, once it had a plan. */
  readonly onRecord?: (record: BuildRecord) => void;
  /** How many steps may run at once; default the number of processors, at least four. */
  readonly jobs?: number;
}

/** An annotation that is not simply the manifest's. */
export interface PlacedAnnotation {
  /** As buildx names them: `manifest-descriptor` is an entry of the index, `index-descriptor` the layout's entry of the index. */
  readonly place: 'manifest' | 'manifest-descriptor' | 'index' | 'index-descriptor';
  /** Only of this platform's; of all unless told. */
  readonly platform?: string;
  readonly key: string;
  readonly value: string;
}

/** What a build gave. */
export interface BuildResult {
  /** With several platforms the image for this machine, else the first, and in `index` the index that has all of them. */
  readonly image: StoredImage;
  /** Each platform's, in the order of the options; at least one. */
  readonly platforms: readonly PlatformResult[];
  /** Bytes of all files in the image's layers, as Docker counts; with several platforms, in the layers of all. */
  readonly size: number;
  /** The image's names, in full. */
  readonly names: readonly string[];
  /** What each layer of the image adds, lowest first: its files' bytes, and the step that made it, if it is not the base's. */
  readonly layers: readonly { readonly size: number; readonly step?: string }[];
  /** `saved`: how long the executions took that the cached steps stand for, milliseconds. */
  readonly steps: { readonly total: number; readonly cached: number; readonly saved: number };
  /** What the image was made of from outside, pinned: also where the steps came from the cache. */
  readonly materials: readonly Material[];
  /** With `type=inline` in `cacheTo`: an annotation that its manifest is to carry in a registry. */
  readonly inlineCache?: readonly [name: string, value: string];
  /** What shared caches did, where the build has some. */
  readonly cache?: CacheCounts;
  readonly milliseconds: number;
  /** Of a build with `verify`; with several platforms, of the first that is not the same each time. */
  readonly verification?: Verification;
}

/** What a build gave for one platform. */
export interface PlatformResult {
  /** `os/arch[/variant]` as it was asked for. */
  readonly platform: string;
  readonly image: StoredImage;
  /** Bytes of all files in its layers. */
  readonly size: number;
  readonly layers: BuildResult['layers'];
  readonly verification?: Verification;
  /** What its attestation says, in the order of the manifest. */
  readonly statements?: readonly InTotoStatement[];
}
