import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DigestJob } from '../../src/context/digest-thread.ts';
import { startThread } from '../../src/context/start-thread.ts';

const PROJECT = resolve(import.meta.dirname, '../../../..');

/** The work of a thread that hashes the file at `path`. */
function jobFor(path: string): DigestJob {
  const { size, mtimeMs, ctimeMs, ino, dev } = statSync(path);
  return {
    kind: 'digest',
    prefix: '',
    paths: [path.slice(1)],
    facts: new Float64Array([size, mtimeMs, ctimeMs, ino, dev]),
    next: new Int32Array(new SharedArrayBuffer(4)),
    share: 1,
    digests: new Uint8Array(new SharedArrayBuffer(32)),
    done: new Uint8Array(new SharedArrayBuffer(1)),
  };
}

const ended = (worker: Worker): Promise<unknown> =>
  new Promise((done, failed) => void worker.once('exit', done).once('error', failed));

describe('the second thread is a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsbuild-thread-'));
  const path = join(folder, 'content');
  const sha256 = createHash('sha256').update('content').digest('hex');
  beforeAll(() => writeFileSync(path, 'content'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('that the sources start', async () => {
    const job = jobFor(path);
    await ended(await startThread(job));
    expect([job.done[0], Buffer.from(job.digests).toString('hex')]).toEqual([1, sha256]);
  });

  it.each(['bundle', 'bundle-builder'])(
    'beside what scripts/%s.mjs makes, which knows it by that name',
    async (script) => {
      // Inside of the project: the module type of the library's files is that of its package.json.
      const dist = mkdtempSync(join(PROJECT, 'packages/builder/dist-'));
      try {
        execFileSync(process.execPath, [join(PROJECT, `scripts/${script}.mjs`), dist], { stdio: 'pipe' });
        const starts = readdirSync(dist).filter((name) =>
          readFileSync(join(dist, name), 'utf8').includes('./file-thread.js"'),
        );
        expect(starts.filter((name) => name.endsWith('.js'))).not.toEqual([]);
        const job = jobFor(path);
        await ended(new Worker(join(dist, 'file-thread.js'), { workerData: job }));
        expect([job.done[0], Buffer.from(job.digests).toString('hex')]).toEqual([1, sha256]);
      } finally {
        rmSync(dist, { recursive: true, force: true });
      }
    },
  );

  it('and no source hands the text of a function to a thread', () => {
    const sources = join(PROJECT, 'packages');
    const found = ['builder', 'oci', 'cli'].flatMap((name) =>
      readdirSync(join(sources, name, 'src'), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .filter((file) => /\beval: true\b/.test(readFileSync(join(sources, name, 'src', file), 'utf8'))),
    );
    expect(found).toEqual([]);
  });
});
