import type { BuildOptions, Metafile } from 'esbuild';

export function bundleFileThread(outfile: string, options?: BuildOptions): Metafile;
export function startsFileThread(path: string): boolean;
export function startingFileThread(text: string, file: string): string;
