import { normalizePlatform, OciError, parseReference, type Platform } from '@tsbuild/oci';
import type { Layout, StoredImage } from '@tsbuild/oci/node';
import type { ResolvedImage, Source } from './source.ts';

/** Base images that are in the local store: built here, loaded or imported. */
export class StoreSource implements Source {
  readonly #layout: Layout;

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  async resolve(name: string, platform: Platform): Promise<ResolvedImage | undefined> {
    // Parsed first, so that nonsense is told from an image that is not there.
    if (!/^(?:sha256:)?[0-9a-f]{12,64}$/.test(name)) parseReference(name);
    const image = await this.#find(name, platform);
    if (image === undefined) return undefined;
    const { os, architecture, variant } = image.config;
    const own = normalizePlatform({ os, architecture, ...(variant === undefined ? {} : { variant }) });
    if (own.os !== platform.os || (architecture !== '' && own.architecture !== platform.architecture)) return undefined;
    return {
      name,
      digest: image.id,
      config: image.config,
      layers: image.layers.map(({ digest }) => ({ digest })),
    };
  }

  /** Of an index, the image for the platform; a registry may have what the store's part of one lacks. */
  async #find(name: string, platform: Platform): Promise<StoredImage | undefined> {
    try {
      return await this.#layout.find(name, { platform });
    } catch (error) {
      if (!(error instanceof OciError) || error.code !== 'PLATFORM_INVALID') throw error;
      const image = await this.#layout.find(name);
      return image?.index === undefined ? image : undefined;
    }
  }
}
