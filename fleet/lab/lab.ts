import { cp, mkdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Random } from '../../fuzz/random.ts';
import { type DockerRegistry, startDockerRegistry } from '../../packages/oci/testing/docker-registry.ts';
import { CountingProxy } from '../proxy/counting-proxy.ts';
import type { Exchange } from '../proxy/exchange.ts';
import { type BuildOrder, type BuildOutcome, Builder } from './builder.ts';
import { changeFile, type GeneratedBuild, generateBuild, type GeneratorOptions } from './generated-build.ts';
import { cacheSpec, type Place } from './place.ts';

/** How much is done. */
export interface Size {
  /** Builders of the scenarios that count them; they come in waves of {@link atOnce}. */
  readonly builders: number;
  readonly atOnce: number;
  /** How often something is killed. */
  readonly kills: number;
  /** Records in the repository of the scenario that counts those. */
  readonly records: number;
  /** Whether everything is tried, or the cheap half. */
  readonly isFull: boolean;
}

/** What a lab is made of. */
export interface LabOptions {
  readonly directory: string;
  /** The bundled command. */
  readonly cli: string;
  /** What a registry stores that holds `fleet/busybox` and nothing else ({@link makeBaseStorage}). */
  readonly baseStorage: string;
  readonly seed: string;
  readonly size: Size;
}

/** The registry, the proxy before it, and builders: everything that one scenario needs. */
export class Lab implements AsyncDisposable {
  readonly registry: DockerRegistry;
  readonly proxy: CountingProxy;
  readonly size: Size;
  readonly seed: string;
  readonly directory: string;
  readonly #options: LabOptions;
  #builders = 0;

  private constructor(options: LabOptions, registry: DockerRegistry) {
    this.#options = options;
    this.registry = registry;
    this.proxy = new CountingProxy(registry.host);
    this.size = options.size;
    this.seed = options.seed;
    this.directory = options.directory;
  }

  /** A registry that holds `fleet/busybox` and nothing else. */
  static async open(options: LabOptions): Promise<Lab> {
    await mkdir(options.directory, { recursive: true });
    const registry = await startDockerRegistry({ within: options.directory });
    const lab = new Lab(options, registry);
    await lab.restoreBase();
    return lab;
  }

  /** Puts the base image into the registry (again, when its disk was emptied). */
  async restoreBase(): Promise<void> {
    await cp(this.#options.baseStorage, join(this.registry.directory, 'storage'), { recursive: true });
  }

  random(what: string): Random {
    return new Random(`${this.seed}/${what}`);
  }

  generate(name: string, options: GeneratorOptions = {}): Promise<GeneratedBuild> {
    const { isFull } = this.size;
    const usual = { largest: isFull ? 4 * 2 ** 20 : 2 ** 18, isSmall: !isFull };
    return generateBuild(join(this.directory, 'contexts', name), `${this.seed}/${name}`, { ...usual, ...options });
  }

  /** A copy of a build with one file changed. */
  change(build: GeneratedBuild, name: string, file: string): Promise<GeneratedBuild> {
    return changeFile(build, join(this.directory, 'contexts', name), file, `${this.seed}/${name}`);
  }

  /** A builder with an empty store and a lane of its own; both go when it is disposed of. */
  async builder(name = `b${++this.#builders}`): Promise<Station> {
    const lane = `${name}-${++this.#builders}`;
    // Beside those of other labs, which share the compiled program with it.
    const directory = join(dirname(this.directory), 'builders', `${basename(this.directory)}-${lane}`);
    await mkdir(directory, { recursive: true });
    // A sandbox of util-linux starts sooner than one of runc; what a cache shares is the same.
    const builder = new Builder(lane, this.#options.cli, directory, this.size.isFull ? 'auto' : 'namespaces');
    return new Station(builder, await this.proxy.lane(lane), this.proxy);
  }

  /** One build by a builder that starts empty. */
  async buildOnce(build: GeneratedBuild, place: Place, options: StationOptions = {}): Promise<Built> {
    await using station = await this.builder();
    return await station.build(build, place, options);
  }

  /** Runs `work` for 0 … count - 1, at most so many at once. */
  async inWaves<T>(count: number, work: (index: number) => Promise<T>, atOnce = this.size.atOnce): Promise<T[]> {
    const results: T[] = [];
    for (let from = 0; from < count; from += atOnce) {
      const wave = Array.from({ length: Math.min(atOnce, count - from) }, (_, i) => work(from + i));
      results.push(...(await Promise.all(wave)));
    }
    return results;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]();
    await this.registry.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** A build, and what it asked of the registry. */
export interface Built extends BuildOutcome {
  readonly exchanges: readonly Exchange[];
}

/** What a build does beside building. */
export interface StationOptions extends Omit<Partial<BuildOrder>, 'context' | 'host' | 'from' | 'to'> {
  /** Attributes of `--cache-from` and `--cache-to`: `trust=signed`. */
  readonly attributes?: string;
  readonly reads?: boolean;
  readonly writes?: boolean;
}

/** A builder with its lane. */
export class Station implements AsyncDisposable {
  readonly builder: Builder;
  readonly host: string;
  readonly #proxy: CountingProxy;

  constructor(builder: Builder, host: string, proxy: CountingProxy) {
    this.builder = builder;
    this.host = host;
    this.#proxy = proxy;
  }

  order(build: GeneratedBuild, place: Place | undefined, options: StationOptions = {}): BuildOrder {
    const { attributes = '', reads = true, writes = true, ...rest } = options;
    const spec = place === undefined ? [] : [cacheSpec(this.host, place, attributes)];
    return { ...rest, context: build.directory, host: this.host, from: reads ? spec : [], to: writes ? spec : [] };
  }

  /** Builds, with the place as its cache, or with none. */
  async build(build: GeneratedBuild, place: Place | undefined, options: StationOptions = {}): Promise<Built> {
    const from = this.#proxy.exchanges.length;
    const outcome = await this.builder.build(this.order(build, place, options));
    return { ...outcome, exchanges: this.#proxy.since(from, this.builder.lane) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy.closeLane(this.builder.lane);
    await this.builder.dispose();
  }
}

/** Requests of a build that had to do with a place; those for base images and images have not. */
export function ofPlace(exchanges: readonly Exchange[], { repository }: Place): readonly Exchange[] {
  return exchanges.filter((exchange) => exchange.repository === repository);
}
