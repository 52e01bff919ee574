import { readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../test/support/process.ts';
import { imagesOf, type Lab, type Scenario } from './scenario.ts';
import { type Disturbed, runWith } from './strace.ts';

/** A process that is held up before it renames a file, as by a paused machine or a slow server, and goes on later. */
export interface Stall {
  readonly name: string;
  readonly at: number;
}

/** Seconds for which it is held up: the other process must be done by then. */
const SECONDS = 12;

/** The name that the other process gives meanwhile. */
const MEANWHILE = 'meanwhile';

/**
 * Holds a command up while another one, in another pid namespace, changes the same store: that cannot know whether the first
 * lives, takes its lock over, and must not lose its own change when the first goes on.
 */
export async function stallAt(
  lab: Lab,
  { name, at, scenario }: Stall & { readonly scenario: Scenario },
  store: string,
): Promise<Disturbed & { readonly faults: readonly string[] }> {
  const elsewhere = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const log = `${store}.log`;
  const injection = { call: 'rename', name, at, fault: { delay: SECONDS } } as const;
  let over = false;
  const stalled = runWith(injection, [...elsewhere, ...lab.words(scenario.args)], lab.env(store), log);
  const ended = stalled.finally(() => (over = true));
  const lock = join(store, 'index.json.lock');
  // The lock may be held shortly for something else before: only who is held up keeps it.
  const began = await until(async () => over || (await age(lock)) >= 1);
  if (over || !began) return { ...(await ended), isHit: false, faults: [] };
  const old = new Date(Date.now() - 60_000);
  await utimes(lock, old, old).catch(() => {});
  const [program = '', ...words] = [...elsewhere, ...lab.words(['tag', 'busybox', MEANWHILE])];
  const other = await run(program, words, { env: lab.env(store) });
  const wasMeanwhile = !over;
  const end = await ended;
  const faults = other.exitCode === 0 ? [] : [`the other process fails: ${other.stderr}`];
  if (other.exitCode === 0 && !(await imagesOf(store)).includes(MEANWHILE)) {
    faults.push('the name that another process gave meanwhile is lost');
  }
  const [tsbuild = '', ...rmi] = lab.words(['rmi', MEANWHILE]);
  await run(tsbuild, rmi, { env: lab.env(store) });
  return { ...end, isHit: wasMeanwhile && /\(DELAYED\)/.test(await readFile(log, 'utf8')), faults };
}

/** Seconds for which a file is there. */
async function age(path: string): Promise<number> {
  try {
    return (Date.now() - (await stat(path)).ctimeMs) / 1000;
  } catch {
    return 0;
  }
}

async function until(holds: () => Promise<boolean>): Promise<boolean> {
  for (let i = 0; i < 3000; i++) {
    if (await holds()) return true;
    await sleep(20);
  }
  return false;
}
