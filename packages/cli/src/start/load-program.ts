import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { readCode, writeCode } from './code-cache.ts';

/** The beginning of the program's sha256, hexadecimal: the bundler's, so that code of another version is never taken for it. */
declare const tsbuildProgramId: string;

/** Kinds of use, each with compiled code of its own. */
export type Use = 'build' | 'load' | 'push' | 'save' | 'monitor' | 'other';

/** So many runs of a kind add what they needed to the code: the first build needs other functions than the second. */
const LEARNING_RUNS = 3;

/** More threads than these would take more memory than they save time. */
const MOST_THREADS = 64;

/**
 * Loads `program.js` beside this file, with the machine-independent code that V8 made of it in earlier runs (for every
 * kind of use its own: the code holds what that use needed). Compiling the program anew takes longer than Node's start.
 */
export function runProgram(use: Use): void {
  if (use === 'push') useAllCores();
  const path = join(__dirname, 'program.js');
  const cache = cachePath(use);
  const kept = cache === undefined ? undefined : readCode(cache);
  // The bundler writes nothing but ASCII, and the function around the module.
  const script = new Script(readFileSync(path, 'latin1'), {
    filename: path,
    ...(kept && { cachedData: kept.code }),
  });
  const runs = kept === undefined || script.cachedDataRejected === true ? 0 : kept.runs;
  if (cache !== undefined && runs < LEARNING_RUNS) keepCode(script, cache, runs + 1);
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(path), module, path, __dirname);
}

/**
 * Layers are compressed in libuv's pool of threads. It has four, on any machine, unless it is told otherwise before it
 * starts: and it has not started yet.
 */
function useAllCores(): void {
  const cores = availableParallelism();
  if (cores > 4) process.env['UV_THREADPOOL_SIZE'] ??= String(Math.min(cores, MOST_THREADS));
}

/** At the end, when all that this use needs was compiled. */
function keepCode(script: Script, cache: string, runs: number): void {
  // Else a long run would forget the code of functions that ran at its beginning, and keep little more than half.
  setFlagsFromString('--no-flush-bytecode');
  process.once('exit', (status) => {
    if (status !== 0) return;
    // V8 refuses code that was made with other flags than it runs with.
    setFlagsFromString('--flush-bytecode');
    writeCode(cache, { code: script.createCachedData(), runs });
  });
}

/** V8 itself refuses code of another V8, of other flags, or for another processor. */
function cachePath(use: Use): string | undefined {
  const { XDG_CACHE_HOME: caches, HOME: home } = process.env;
  const directory = caches?.startsWith('/') ? caches : home?.startsWith('/') ? join(home, '.cache') : undefined;
  if (directory === undefined) return undefined;
  return join(directory, 'tsbuild/code', `${tsbuildProgramId}-${process.version}-${process.arch}-${use}`);
}
