import { availableParallelism } from 'node:os';
import { formatPlatform, type Platform } from '@tsbuild/oci';
import { BuildError } from '../diagnostics/build-error.ts';
import type { SourceFile } from '../diagnostics/source-file.ts';
import type { Dockerfile } from '../dockerfile/instruction.ts';
import { parseDockerfile } from '../dockerfile/parser.ts';
import type { LayerFetcher } from '../ops/layer-fetcher.ts';
import type { LayerOutput } from '../ops/rootfs.ts';
import { imageKey, type ImageResolver } from '../plan/needed-stages.ts';
import type { ProgressReporter } from '../progress/reporter.ts';
import type { SharedCache } from '../shared-cache/shared-cache.ts';
import type { SolveOptions } from '../solver/solver.ts';
import { RegistryAccess } from '../source/registry-access.ts';
import type { Store } from '../store/store.ts';
import { AddSources } from './add-sources.ts';
import { baseImageResolver } from './base-images.ts';
import { type BuildContext, openBuildContext } from './build-context.ts';
import type { BuildOptions } from './build-options.ts';
import { Checks } from './checks.ts';
import { ContextSources } from './context-sources.ts';
import type { PlanInput } from './make-plan.ts';
import { Materials } from './materials.ts';
import { NamedContexts } from './named-contexts.ts';
import { targetPlatforms } from './platforms/target-platforms.ts';

/** What a session works in. */
export interface SessionPlace {
  readonly store: Store;
  /** Told of transfers and notices. */
  readonly reporter: ProgressReporter;
  readonly signal: AbortSignal;
}

/** A Dockerfile that could be read, and its checks. */
export interface ReadDockerfile {
  readonly dockerfile: Dockerfile;
  /** What it is built for; at least one. */
  readonly platforms: readonly Platform[];
  readonly checks: Checks;
}

/** What a session gives back when it ends. */
interface SessionHoldings {
  readonly lease: AsyncDisposable;
  readonly cache: SharedCache | undefined;
}

/** Steps at once where the machine has fewer processors: many of them wait, for a registry or the disk. */
const FEWEST_JOBS = 4;

/**
 * What a build, a check or a question works with, assembled once: the context and its Dockerfile, where base images, named
 * contexts and added files come from, and the layers of the store. While it is open no collection deletes what it finds or
 * makes; disposing closes everything.
 */
export class BuildSession implements AsyncDisposable {
  readonly options: BuildOptions;
  readonly store: Store;
  readonly reporter: ProgressReporter;
  readonly signal: AbortSignal;
  /** What came into it from outside so far. */
  readonly materials = new Materials();
  /** What it shares with other machines. */
  readonly cache: SharedCache | undefined;
  /** The layers of images, those in registries and shared caches included. */
  readonly layers: LayerFetcher;
  readonly #platforms: ReturnType<typeof targetPlatforms>;
  readonly #lease: AsyncDisposable;
  readonly #access: RegistryAccess;
  readonly #added: AddSources;
  readonly #sources: ContextSources;
  readonly #named: NamedContexts;
  /** Finds base images and named contexts, each of them once. */
  readonly #resolveImage: ImageResolver;
  #context: BuildContext | undefined;

  private constructor(
    options: BuildOptions,
    { store, reporter, signal }: SessionPlace,
    platforms: ReturnType<typeof targetPlatforms>,
    { lease, cache }: SessionHoldings,
  ) {
    this.options = options;
    this.store = store;
    this.reporter = reporter;
    this.signal = signal;
    this.#platforms = platforms;
    this.#lease = lease;
    this.#access = new RegistryAccess(options.registry, reporter);
    this.#added = new AddSources(options, store, reporter, this.materials);
    this.#sources = new ContextSources(store, this.#added, signal, options.observer);
    this.cache = cache;
    this.layers = store.layers(this.#access.client, signal, cache?.layers);
    const { materials } = this;
    const base = baseImageResolver({ store, pull: options.pull, client: this.#access.client, signal });
    const find = materials.ofImages(base);
    const contexts = options.contexts ?? new Map<string, string>();
    this.#named = new NamedContexts({ contexts, sources: this.#sources, store, materials, resolveImage: find });
    this.#resolveImage = remembering(async (name, of) => (await this.#named.find(name, of)) ?? find(name, of));
  }

  /**
   * Opens the context that the options name, and reads its Dockerfile.
   * @throws BuildError `CONTEXT_INVALID`, `DOCKERFILE_NOT_FOUND`, `DOWNLOAD_FAILED`, `GIT_FAILED`, `NOT_SUPPORTED`,
   * `OPTION_INVALID`
   */
  static async open(options: BuildOptions, place: SessionPlace): Promise<BuildSession> {
    const platforms = targetPlatforms(options);
    const lease = await place.store.layout.lease();
    let session: BuildSession | undefined;
    let cache: SharedCache | undefined;
    try {
      cache = await sharedCacheOf(options, place);
      session = new BuildSession(options, place, platforms, { lease, cache });
      session.#context = await openBuildContext(options, session.#sources);
      return session;
    } catch (error) {
      await session?.[Symbol.asyncDispose]();
      if (session === undefined) await cache?.[Symbol.asyncDispose]();
      if (session === undefined) await lease[Symbol.asyncDispose]();
      throw error;
    }
  }

  get #opened(): BuildContext {
    if (this.#context === undefined) throw new TypeError('open() gives out no session without a context');
    return this.#context;
  }

  /** The Dockerfile's text. */
  get file(): SourceFile {
    return this.#opened.dockerfile;
  }

  /** The platforms that the options name; undefined for all that the base images are for, which {@link read} finds out. */
  get namedPlatforms(): readonly Platform[] | undefined {
    return this.#platforms === 'all' ? undefined : this.#platforms;
  }

  /**
   * @throws BuildError when the Dockerfile cannot be understood, or `# check=` or BUILDKIT_DOCKERFILE_CHECK makes no sense;
   * `OPTION_INVALID` when the base images have no platform in common
   */
  async read(): Promise<ReadDockerfile> {
    const { options, file } = this;
    const dockerfile = parseDockerfile(file);
    const platforms = this.namedPlatforms ?? (await this.#offeredPlatforms(dockerfile));
    return { dockerfile, platforms, checks: new Checks({ options, file, dockerfile, platforms }) };
  }

  async #offeredPlatforms(dockerfile: Dockerfile): Promise<readonly Platform[]> {
    const { offeredPlatforms } = await import('./platforms/offered-platforms.ts');
    const { options, store, signal, notice } = this;
    const platforms = await offeredPlatforms(
      this.#planInput(dockerfile, { platforms: [], resolveImage: this.#resolveImage, notice: () => {} }),
      { layout: store.layout, pull: options.pull, client: this.#access.client, signal },
    );
    notice(`building for ${platforms.map(formatPlatform).join(', ')}`, 'info');
    return platforms;
  }

  /** Finds images as the plan does; `checks` take note of their configs. */
  images(checks: Checks): ImageResolver {
    return checks.watch(this.#resolveImage);
  }

  /** What planning works with. */
  planInput({ dockerfile, platforms, checks }: ReadDockerfile, notice: PlanInput['notice']): PlanInput {
    return this.#planInput(dockerfile, { platforms, resolveImage: this.images(checks), notice });
  }

  #planInput(dockerfile: Dockerfile, way: Pick<PlanInput, 'platforms' | 'resolveImage' | 'notice'>): PlanInput {
    const { options, store, layers, signal } = this;
    const [named, added, context] = [this.#named, this.#added, this.#opened.tree];
    return { options, store, dockerfile, layers, named, context, added, signal, ...way };
  }

  /** How steps are executed. */
  get way(): Pick<SolveOptions<LayerOutput>, 'signal' | 'jobs' | 'now' | 'sizeOf'> {
    const jobs = this.options.jobs ?? Math.max(FEWEST_JOBS, availableParallelism());
    return { signal: this.signal, jobs, now: Date.now, sizeOf: ({ layer }) => layer.size };
  }

  readonly notice = (message: string, level: 'info' | 'warning' = 'warning'): void =>
    this.reporter.report({ type: 'notice', level, message });

  /** Keeps what was learnt of files for the next build. */
  save(): void {
    this.#sources.save(this.notice);
  }

  /** An error with the text that its place is in. */
  located(error: unknown): unknown {
    return error instanceof BuildError && error.range !== undefined ? error.at(error.range, this.file) : error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sources[Symbol.dispose]();
    this.#added[Symbol.dispose]();
    this.#access[Symbol.dispose]();
    await this.cache?.[Symbol.asyncDispose]();
    await this.#lease[Symbol.asyncDispose]();
  }
}

/** The caches that the options name; loaded only then. */
async function sharedCacheOf(options: BuildOptions, place: SessionPlace): Promise<SharedCache | undefined> {
  const { cacheFrom = [], cacheTo = [], cacheDrain, registry } = options;
  if (cacheFrom.length + cacheTo.length === 0) return undefined;
  const { SharedCache: Loaded } = await import('../shared-cache/shared-cache.ts');
  return Loaded.open({ cacheFrom, cacheTo, registry, ...(cacheDrain === undefined ? {} : { cacheDrain }) }, place);
}

/** Each image is asked for once, whether it is found or not. */
function remembering(resolve: ImageResolver): ImageResolver {
  const asked = new Map<string, ReturnType<ImageResolver>>();
  return (name, platform) => {
    const key = imageKey({ name, platform });
    const known = asked.get(key) ?? resolve(name, platform);
    asked.set(key, known);
    return known;
  };
}
