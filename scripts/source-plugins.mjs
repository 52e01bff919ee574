// What Vite needs to run the sources as they are: shell programs and documents are texts, as the bundles hold them, and the second thread's
// program, which lies beside a bundle, is made when the first test wants it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleFileThread, startingFileThread, startsFileThread } from './file-thread.mjs';

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

export const SOURCE_PLUGINS = [texts, fileThread];
