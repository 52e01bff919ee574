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

let program;

function threadProgram() {
  if (program !== undefined) return program;
  const folder = mkdtempSync(join(tmpdir(), 'tsbuild-thread-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  program = join(folder, 'file-thread.js');
  bundleFileThread(program);
  return program;
}

const fileThread = {
  name: 'file-thread',
  enforce: 'pre',
  transform: (text, id) => (startsFileThread(id) ? startingFileThread(text, threadProgram()) : undefined),
};

let page;

function pageProgram() {
  if (page !== undefined) return page;
  const folder = mkdtempSync(join(tmpdir(), 'tsbuild-page-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  page = join(folder, 'explorer.json');
  bundlePage(page);
  return page;
}

const explorerPage = {
  name: 'explorer-page',
  enforce: 'pre',
  transform: (text, id) => (readsPage(id) ? readingPage(text, pageProgram()) : undefined),
};

export const SOURCE_PLUGINS = [texts, fileThread, explorerPage];
