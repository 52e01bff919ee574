import type { Digest } from '@tsbuild/oci';

/** Something from outside that a build was made of, pinned. No URL of it holds a credential. */
export type Material =
  /** An image that a stage starts from or files are copied from, also one that a named context put in its place. */
  | {
      readonly kind: 'image';
      /** In full, e.g. `docker.io/library/node:22`; `oci-layout://DIR:TAG` for one of a layout. */
      readonly reference: string;
      /** The platform that was asked for. */
      readonly platform: string;
      /** Of the manifest or index; the ID of an image that is only in the store. */
      readonly digest: Digest;
    }
  /** A commit, of ADD or of a context. */
  | {
      readonly kind: 'git';
      readonly url: string;
      /** The branch, tag or commit that was asked for; none for the default branch. */
      readonly ref?: string;
      /** In full. */
      readonly commit: string;
    }
  /** A file of a web server, of ADD, a context or the Dockerfile itself. */
  | {
      readonly kind: 'http';
      /** Without a query: it may be a signature. */
      readonly url: string;
      readonly digest: Digest;
    };
