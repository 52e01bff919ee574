import type { BuildOptions } from 'esbuild';

export function bundleFileThread(outfile: string, options?: BuildOptions): void;
export function startsFileThread(path: string): boolean;
export function startingFileThread(text: string, file: string): string;
