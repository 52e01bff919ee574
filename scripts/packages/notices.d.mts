import type { Metafile } from 'esbuild';

/** The part of esbuild's account that says what is in the files. */
type Contents = Pick<Metafile, 'outputs'>;
/** The notices of everything of node_modules that is in the bundles. */
export function noticesOf(owner: string, root: string, metafiles: readonly Contents[]): string;
