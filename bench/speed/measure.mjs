// Runs a command and says what it took: wall and processor time, and the memory of its largest process.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const GNU_TIME = '/usr/bin/time';

/** @throws Error with what the command said when it fails */
export function measure(command, { scratch, env, cwd }) {
  if (!existsSync(GNU_TIME)) throw new Error('the benchmark needs GNU time (Debian package time)');
  const facts = join(scratch, 'measured');
  rmSync(facts, { force: true });
  const args = ['-q', '-f', '%e %U %S %M', '-o', facts, ...command];
  const started = process.hrtime.bigint();
  const { status, stderr, error } = spawnSync(GNU_TIME, args, {
    env,
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    maxBuffer: 1 << 28,
  });
  // Finer than GNU time's hundredths; its own start is a millisecond.
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  if (error !== undefined || status !== 0) {
    throw new Error(`${command.join(' ')} failed (${error?.message ?? status})\n${String(stderr).slice(-2000)}`);
  }
  const [, user, system, kilobytes] = readFileSync(facts, 'utf8').trim().split(' ').map(Number);
  return { seconds, processor: user + system, megabytes: kilobytes / 1024 };
}

/** Runs a command that is not measured. @throws Error when it fails */
export function quietly(command, { env, cwd, input } = {}) {
  const [program, ...args] = command;
  const { status, stdout, stderr, error } = spawnSync(program, args, { env, cwd, input, maxBuffer: 1 << 28 });
  if (error !== undefined || status !== 0) {
    throw new Error(`${command.join(' ')} failed (${error?.message ?? status})\n${String(stderr).slice(-2000)}`);
  }
  return String(stdout);
}

/** The middle one, or the mean of the two in the middle. */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}
