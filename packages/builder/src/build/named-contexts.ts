import { existsSync } from 'node:fs';
import { familiarName, formatPlatform, OciError, parseReference, type Platform } from '@tsbuild/oci';
import { storePackedLayer } from '@tsbuild/oci/internal';
import { fromLayout } from '@tsbuild/oci/node';
import { importedTree } from './build-context.ts';
import type { ContextSources } from './context-sources.ts';
import type { Materials } from './materials.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import type { NamedFiles, ResolvedBase } from '../plan/resolved-base.ts';
import type { ResolvedImage } from '../source/source.ts';
import type { Store } from '../store/store.ts';

/** What {@link NamedContexts} works with. */
export interface NamedContextOptions {
  readonly contexts: ReadonlyMap<string, string>;
  readonly sources: ContextSources;
  readonly store: Store;
  /** Told of images of layouts. */
  readonly materials: Materials;
  /** Finds the image that `docker-image://` names. */
  readonly resolveImage: (name: string, platform: Platform) => Promise<ResolvedImage>;
}

/** The named contexts of a build (`--build-context`), opened when something of the Dockerfile has their name. */
export class NamedContexts {
  readonly #options: NamedContextOptions;
  readonly #values: ReadonlyMap<string, string>;
  readonly #used = new Set<string>();
  /** Files are the same for every platform. */
  readonly #files = new Map<string, Promise<NamedFiles>>();

  /** @throws BuildError `OPTION_INVALID` for a name that no stage or image can have */
  constructor(options: NamedContextOptions) {
    this.#options = options;
    this.#values = new Map([...options.contexts].map(([name, value]) => [checkedName(name), value]));
  }

  has(name: string): boolean {
    const normal = normalName(name);
    return normal !== undefined && this.#values.has(normal);
  }

  /** The image that stands for this name; undefined for files, `scratch` and layouts. */
  imageOf(name: string): string | undefined {
    const image = afterScheme(this.#values.get(normalName(name) ?? '') ?? '', 'docker-image');
    return image === 'scratch' ? undefined : image;
  }

  /** @throws BuildError `OPTION_INVALID`, `BASE_NOT_FOUND`, `CONTEXT_INVALID`, `DOWNLOAD_FAILED`, `GIT_FAILED` */
  async find(name: string, platform: Platform): Promise<ResolvedBase | undefined> {
    const normal = normalName(name);
    const value = normal === undefined ? undefined : this.#values.get(normal);
    if (normal === undefined || value === undefined) return undefined;
    this.#used.add(normal);
    try {
      return await this.#open(normal, value, platform);
    } catch (error) {
      throw told(normal, error);
    }
  }

  /** The names that nothing in the Dockerfile has: most often a misspelling. */
  unused(): readonly string[] {
    return [...this.#values.keys()].filter((name) => !this.#used.has(name));
  }

  async #open(name: string, value: string, platform: Platform): Promise<ResolvedBase> {
    const image = afterScheme(value, 'docker-image');
    if (image === 'scratch') return { name, tree: undefined };
    if (image !== undefined) return this.#options.resolveImage(image, platform);
    const layout = afterScheme(value, 'oci-layout');
    if (layout !== undefined) return this.#fromLayout(name, layout, platform);
    if (/^(?:target|input):/.test(value)) {
      throw new BuildError('NOT_SUPPORTED', `${value}: targets exist only in bake files`);
    }
    const files = this.#files.get(name) ?? this.#filesOf(name, value);
    this.#files.set(name, files);
    return files;
  }

  async #filesOf(name: string, value: string): Promise<NamedFiles> {
    if (value.startsWith('/')) return { name, tree: this.#options.sources.directory(value, undefined) };
    return this.#fromUrl(name, value);
  }

  async #fromUrl(name: string, url: string): Promise<NamedFiles> {
    const content = await this.#options.sources.url(url, false);
    if (content.kind === 'text') throw new BuildError('CONTEXT_INVALID', 'the URL is not an archive');
    const tree = importedTree(content.files, undefined);
    return { name, tree: () => tree };
  }

  async #fromLayout(name: string, place: string, platform: Platform): Promise<ResolvedImage> {
    const { store, materials } = this.#options;
    const { directory, image: wanted } = layoutPlace(place);
    const image = await fromLayout(directory, { ...(wanted !== undefined && { name: wanted }), platform });
    const { os, architecture } = image.config;
    if (os !== platform.os || (architecture !== '' && architecture !== platform.architecture)) {
      throw new BuildError(
        'BASE_NOT_FOUND',
        `the image is for ${os}/${architecture}, not for ${formatPlatform(platform)}`,
      );
    }
    const { blobs } = store.layout;
    for (const layer of image.layers) {
      if ((await blobs.has(layer.diffID)) !== undefined) continue;
      await storePackedLayer(layer.open(), blobs, store.indexes, { digest: layer.diffID });
    }
    materials.addImage(`oci-layout://${place}`, platform, image.descriptor.digest);
    const layers = image.layers.map(({ diffID }) => ({ digest: diffID }));
    return { name, digest: image.descriptor.digest, config: image.config, layers };
  }
}

/** `DIR[:TAG|@DIGEST]`; without one it is the layout's only image. */
function layoutPlace(place: string): { readonly directory: string; readonly image: string | undefined } {
  const at = /^(.*?)@(sha256:[0-9a-f]{64})$/s.exec(place);
  if (at?.[1] !== undefined) return { directory: at[1], image: at[2] };
  const tagged = /^(.*):([\w][\w.-]{0,127})$/s.exec(place);
  if (tagged?.[1] === undefined || existsSync(place)) return { directory: place, image: undefined };
  return { directory: tagged[1], image: tagged[2] };
}

function afterScheme(value: string, scheme: string): string | undefined {
  return value.startsWith(`${scheme}://`) ? value.slice(scheme.length + 3) : undefined;
}

/** One name for all ways to write it, as in BuildKit: `alpine` for `docker.io/library/alpine:latest`. */
function normalName(name: string): string | undefined {
  try {
    return familiarName(parseReference(name)).replace(/:latest$/, '');
  } catch {
    return undefined;
  }
}

function checkedName(name: string): string {
  const normal = normalName(name);
  if (normal !== undefined) return normal;
  throw new BuildError('OPTION_INVALID', `invalid context name ${JSON.stringify(name)}`, {
    hint: 'a context name is a stage or image name in lower case',
  });
}

function told(name: string, error: unknown): unknown {
  if (!(error instanceof BuildError) && !(error instanceof OciError)) return error;
  const hint = error instanceof BuildError && error.hint !== undefined ? { hint: error.hint } : {};
  const code = error instanceof BuildError ? error.code : 'BASE_NOT_FOUND';
  return new BuildError(code, `context ${JSON.stringify(name)}: ${error.message}`, { ...hint, cause: error });
}
