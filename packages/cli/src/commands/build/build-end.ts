import type { CheckWarning, Store } from '@tsbuild/builder';

/** How a build ended, for its reports. */
export interface BuildEnd {
  readonly store: Store | undefined;
  readonly warnings: readonly CheckWarning[];
  /** Of the Dockerfile, where it is a file of this machine. */
  readonly dockerfile: string | undefined;
  readonly error?: unknown;
}
