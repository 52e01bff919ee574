import { createHash } from 'node:crypto';
import { lstat, lutimes, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { output } from '../test/support/process.ts';
import type { Case } from './case.ts';

/** 2020-01-02T03:04:05Z: the first of the times of contexts. */
const CONTEXT_TIME = 1_577_934_245;

/**
 * The time of all that a set-up gives no earlier one. Each case has its own: BuildKit takes a file of the same size and time
 * for the one that it got with another context (moby/buildkit#4950).
 */
function timeOf(name: string): number {
  return CONTEXT_TIME + (createHash('sha256').update(name).digest().readUInt32BE() % 10_000_000);
}

/** Fills `folder/context`, and what lies beside it, with the files of a case. */
export async function writeContext(
  folder: string,
  { name, files, setup }: Case,
  fill: (text: string) => string,
): Promise<void> {
  const context = join(folder, 'context');
  await mkdir(context, { recursive: true });
  for (const { path, content } of files) {
    const target = join(context, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, fill(content));
  }
  await runScript(context, setup, fill);
  await settle(Buffer.from(folder), timeOf(name));
}

/** Runs shell commands in the context; the first that fails ends them. */
export async function runScript(
  context: string,
  lines: readonly string[],
  fill: (text: string) => string,
): Promise<void> {
  if (lines.length === 0) return;
  const script = `umask 022\n${lines.map(fill).join('\n')}`;
  await output('sh', ['-euc', script], { cwd: context, env: { TZ: 'UTC', LC_ALL: 'C.UTF-8' } });
}

/** A context is older than its build: what has a time of today gets this one. */
async function settle(path: Buffer, time: number): Promise<void> {
  const status = await lstat(path);
  if (status.isDirectory())
    for (const name of await readdir(path, { encoding: 'buffer' }))
      await settle(Buffer.concat([path, Buffer.from('/'), name]), time);
  if (status.mtimeMs > Date.now() - 86_400_000) await lutimes(path, time, time);
}
