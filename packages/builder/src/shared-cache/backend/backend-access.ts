import type { Environment, RegistryClient } from '@tsbuild/oci/node';

/** What places are reached with. */
export interface BackendAccess {
  /** A client of the caller's registries; the hosts of `insecure` may speak plain HTTP. Whoever asks for it closes it. */
  readonly client: (options: { readonly insecure: readonly string[] }) => RegistryClient;
  /** Credentials and addresses of places that are no registry: AWS_*, ACTIONS_*. */
  readonly environment: Environment;
  /** Relative paths start here. */
  readonly directory: string;
  /** The clock, milliseconds since 1970. */
  readonly now: () => number;
}

/** All bytes of a small blob. @throws RangeError when there are more than `limit` */
export async function readBytes(source: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > limit) throw new RangeError(`the blob has more than ${limit} bytes`);
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}
