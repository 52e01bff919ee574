// The program of the pages of `tsbuild explore`: packages/cli/page/ as one script and one style sheet, in a JSON beside the bundle.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));

/** Where the page's program is, as page-program.ts says it. */
const PLACE = "new URL('./explorer.json', import.meta.url)";

function text(entry, define = {}) {
  const { outputFiles } = buildSync({
    absWorkingDir: join(PROJECT, 'packages/cli/page'),
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'iife',
    // What undoes gzip has private methods, too, and mixes colours: mid 2023.
    target: ['chrome113', 'firefox113', 'safari16.4'],
    // esbuild writes </script as <\/script, so that the text can stand in an element.
    charset: 'ascii',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
    define,
    tsconfigRaw: {},
  });
  return outputFiles[0].text.trim();
}

/** The script holds the worker's program as a text, because a page of `file:` can start no other file. */
export function bundlePage(outfile) {
  const worker = text('worker/main.ts');
  const script = text('app/main.ts', { tsbuildWorkerProgram: JSON.stringify(worker) });
  const style = text('style/page.css');
  mkdirSync(dirname(outfile), { recursive: true });
  writeFileSync(outfile, `${JSON.stringify({ script, style })}\n`);
}

/** True for the one source that reads the page's program. */
export function readsPage(path) {
  return path.endsWith(join('cli', 'src', 'explore', 'page-program.ts'));
}

/** The text of that source, with the program at `file`. */
export function readingPage(source, file) {
  if (!source.includes(PLACE)) throw new Error(`page-program.ts does not say ${PLACE} any more`);
  return source.replace(PLACE, `new URL(${JSON.stringify(pathToFileURL(file).href)})`);
}
