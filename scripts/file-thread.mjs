// The program of the second thread (packages/builder/src/context/file-thread.ts), for everything that runs the builder: it lies
// beside a bundle. What runs the sources, or bundles them to a place that `import.meta.url` does not tell, is told where it is.
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));

/** Where the thread's program is, as start-thread.ts says it. */
const PLACE = "new URL('./file-thread.js', import.meta.url)";

/** Bundles the thread's program; as CommonJS for folders without a package of their own. Returns what is in it. */
export function bundleFileThread(outfile, options = {}) {
  const { metafile } = buildSync({
    absWorkingDir: PROJECT,
    entryPoints: ['packages/builder/src/context/file-thread.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    conditions: ['@tsbuild/source'],
    legalComments: 'none',
    logLevel: 'warning',
    ...options,
    metafile: true,
  });
  return metafile;
}

/** True for the one source that starts the thread. */
export function startsFileThread(path) {
  return path.endsWith(join('builder', 'src', 'context', 'start-thread.ts'));
}

/** The text of that source, with the program at `file`. */
export function startingFileThread(text, file) {
  if (!text.includes(PLACE)) throw new Error(`start-thread.ts does not say ${PLACE} any more`);
  return text.replace(PLACE, `new URL(${JSON.stringify(pathToFileURL(file).href)})`);
}
