import {
  canonicalJson,
  type Digest,
  formatPlatform,
  formatReference,
  parseReference,
  type Platform,
} from '@tsbuild/oci';
import type { OpDependencies } from '../ops/dependencies.ts';
import type { Material } from '../attestation/material.ts';
import type { ResolvedImage } from '../source/source.ts';

type RemoteFiles = OpDependencies['downloads'];
type GitCheckouts = OpDependencies['repositories'];

/**
 * Takes note of everything that comes into a build from outside, where it comes in: at the seams that find images, files
 * and commits. They are asked for a step's key, so what cached steps were made from is known too, and no operation can
 * leave something out.
 */
export class Materials {
  readonly #found = new Map<string, Material>();

  /** Each once, by kind and name: the order does not depend on time. */
  list(): readonly Material[] {
    return [...this.#found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, material]) => material);
  }

  /** An image that did not come by a resolver. */
  addImage(reference: string, platform: Platform, digest: Digest): void {
    this.#add({ kind: 'image', reference, platform: formatPlatform(platform), digest });
  }

  /** The same resolver. */
  ofImages(
    resolve: (name: string, platform: Platform) => Promise<ResolvedImage>,
  ): (name: string, platform: Platform) => Promise<ResolvedImage> {
    return async (name, platform) => {
      const image = await resolve(name, platform);
      this.addImage(inFull(image.name), platform, image.digest);
      return image;
    };
  }

  /** The same files. */
  ofFiles(files: RemoteFiles): RemoteFiles {
    return {
      resolve: async (url, checksum, signal) => {
        const file = await files.resolve(url, checksum, signal);
        this.#add({ kind: 'http', url: withoutSecrets(url), digest: file.digest });
        return file;
      },
      ensure: (url, file, signal) => files.ensure(url, file, signal),
    };
  }

  /** The same commits. */
  ofRepositories(repositories: GitCheckouts): GitCheckouts {
    return {
      resolve: async (reference, signal) => {
        const checkout = await repositories.resolve(reference, signal);
        const { remote, ref } = reference;
        const wanted = ref === undefined ? {} : { ref };
        this.#add({ kind: 'git', url: withoutUser(remote), ...wanted, commit: checkout.commit });
        return checkout;
      },
    };
  }

  #add(material: Material): void {
    const name = 'url' in material ? material.url : material.reference;
    this.#found.set(`${material.kind} ${name} ${canonicalJson(material)}`, material);
  }
}

/** The store knows an image by the name that people type, and by its ID. */
function inFull(name: string): string {
  return /^(?:sha256:)?[0-9a-f]{12,64}$/.test(name) ? name : formatReference(parseReference(name));
}

/** Without query and fragment, which may be signatures, and without user. */
function withoutSecrets(url: string): string {
  return withoutUser(url).replace(/[?#].*$/s, '');
}

/** Without user name and password; the user name alone of ssh is no secret, and needed. */
function withoutUser(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*)@/i, (_, scheme: string, userinfo: string) => {
    const [user = ''] = userinfo.split(':');
    return /^ssh:/i.test(scheme) ? `${scheme}${user}@` : scheme;
  });
}
