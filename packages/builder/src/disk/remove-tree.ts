import { spawn } from 'node:child_process';
import { readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { errorCode, PROGRAM_ENVIRONMENT } from '@tsbuild/oci/internal';
import { BuildError } from '../diagnostics/build-error.ts';

/**
 * Removes a directory with all that is in it; a missing one is no error. Node's own `rm` cannot: it stops at names that
 * are not UTF-8 and at trees deeper than a path can be long.
 * @throws BuildError `SNAPSHOT_FAILED`
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await remove(Buffer.from(path), { removed: 0 });
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') await removeWithProgram(path, error);
  }
}

async function remove(path: Buffer, state: { removed: number }): Promise<void> {
  for (const name of readdirSync(path, { encoding: 'buffer' })) {
    const child = Buffer.concat([path, Buffer.from('/'), name]);
    try {
      unlinkSync(child);
    } catch (error) {
      if (errorCode(error) !== 'EISDIR') throw error;
      await remove(child, state);
    }
    if (++state.removed % 500 === 0) await setImmediate();
  }
  rmdirSync(path);
}

function removeWithProgram(path: string, cause: unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('rm', ['-rf', '--one-file-system', '--', path], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: PROGRAM_ENVIRONMENT,
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) return resolve();
      reject(new BuildError('SNAPSHOT_FAILED', `cannot remove ${path}: ${said.trim().split('\n')[0]}`, { cause }));
    });
  });
}
