// What Vite needs to run the sources as they are: shell programs and documents are texts, as the bundles hold them; the second thread's
// program and that of `tsbuild explore`'s pages, which lie beside a bundle, are made when the first test wants them.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleFileThread, startingFileThread, startsFileThread } from './file-thread.mjs';
import { bundlePage, readingPage, readsPage } from './page.mjs';

const texts = {
  name: 'texts',
  load: (id) => (/\.(?:sh|md)$/.test(id) ? `export default ${JSON.stringify(readFileSync(id, 'utf8'))}` : undefined),
};

/** A file that is made when it is first asked for, and goes with the process. */
function madeOnce(name, make) {
  let path;
  return () => {
    if (path !== undefined) return path;
    const directory = mkdtempSync(join(tmpdir(), 'tsbuild-source-'));
    process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
    path = join(directory, name);
    make(path);
    return path;
  };
}

const threadProgram = madeOnce('file-thread.js', (path) => bundleFileThread(path));
const pageProgram = madeOnce('explorer.json', (path) => bundlePage(path));

const fileThread = {
  name: 'file-thread',
  enforce: 'pre',
  transform: (text, id) => (startsFileThread(id) ? startingFileThread(text, threadProgram()) : undefined),
};

const explorerPage = {
  name: 'explorer-page',
  enforce: 'pre',
  transform: (text, id) => (readsPage(id) ? readingPage(text, pageProgram()) : undefined),
};

export const SOURCE_PLUGINS = [texts, fileThread, explorerPage];
