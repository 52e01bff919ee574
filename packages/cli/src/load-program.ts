import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { readCode, writeCode } from './code-cache.ts';

/** The beginning of the program's sha256, hexadecimal: the bundler's, so that code of another version is never taken for it. */
declare const tsbuildProgramId: string;

/** Kinds of use, each with compiled code of its own. */
export type Use = 'build' | 'monitor' | 'other';

/**
 * Loads `program.js` beside this file, with the machine-independent code that V8 made of it in an earlier run (for every
 * kind of use its own: the code holds what that use needed). Compiling the program anew takes longer than Node's start.
 */
export function runProgram(use: Use): void {
  const path = join(__dirname, 'program.js');
  const cache = cachePath(use);
  const cachedData = cache === undefined ? undefined : readCode(cache);
  // The bundler writes nothing but ASCII, and the function around the module.
  const script = new Script(readFileSync(path, 'latin1'), {
    filename: path,
    ...(cachedData && { cachedData }),
  });
  if (cache !== undefined && (cachedData === undefined || script.cachedDataRejected === true)) {
    // At the end, when all that this use needs was compiled.
    process.once('exit', (code) => {
      if (code === 0) writeCode(cache, script.createCachedData());
    });
  }
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(path), module, path, __dirname);
}

/** V8 itself refuses code of another V8, of other flags, or for another processor. */
function cachePath(use: Use): string | undefined {
  const { XDG_CACHE_HOME: caches, HOME: home } = process.env;
  const directory = caches?.startsWith('/') ? caches : home?.startsWith('/') ? join(home, '.cache') : undefined;
  if (directory === undefined) return undefined;
  return join(directory, 'tsbuild/code', `${tsbuildProgramId}-${process.version}-${process.arch}-${use}`);
}
