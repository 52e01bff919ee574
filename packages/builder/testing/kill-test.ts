import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunSpec } from '../src/executor/executor.ts';
import { bundle } from './bundle.ts';
import { BusyboxRoot, NO_SANDBOX } from './busybox-root.ts';

/** Unlike what any other test file sleeps, as they run side by side on one machine. */
const NAP = `sleep 4713${process.pid}`;
const IS_NAP = new RegExp(`^\\d+ ${NAP}`);

/** Kills a process that runs commands, at moments all over its life, and looks for what is left. */
export function killTest(kind: 'namespaces' | 'runc', skip: string = NO_SANDBOX): void {
  describe.skipIf(skip !== '')(`kill -9 of a process that runs commands: ${kind}${skip}`, () => {
    let root: BusyboxRoot;
    let scratch: string;
    let program: string;
    beforeAll(() => {
      root = new BusyboxRoot();
      scratch = mkdtempSync(join(tmpdir(), 'tsbuild-killed-'));
      program = join(scratch, 'victim.mjs');
      bundle(fileURLToPath(new URL('sandbox-victim.ts', import.meta.url)), program);
    });
    afterAll(() => {
      root[Symbol.dispose]();
      rmSync(scratch, { recursive: true, force: true });
    });

    // Each command tries in its own way to outlive us.
    const commands = [
      { argv: ['sh', '-c', `setsid ${NAP} & ${NAP}`], user: { uid: 0, gid: 0, groups: [0] } },
      {
        argv: ['sh', '-c', `trap "" TERM INT HUP; ${NAP} & ${NAP}`],
        user: { uid: 1000, gid: 1000, groups: [1000] },
      },
      { argv: ['su', 'app', '-c', `exec ${NAP}`], user: { uid: 0, gid: 0, groups: [0] } },
    ];
    const remaining = async (): Promise<readonly string[]> => {
      const deadline = performance.now() + 3000;
      let left = leftovers(scratch);
      while (left.length > 0 && performance.now() < deadline) {
        await sleep(20);
        left = leftovers(scratch);
      }
      const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
      return [...left, ...mounts.filter((line) => line.includes(scratch))];
    };
    const start = (command: Partial<RunSpec> | undefined) => {
      const args = [program, kind, scratch, JSON.stringify(root.spec(['true'], command))];
      const child = spawn(process.execPath, args, { stdio: 'ignore' });
      return { child, ended: new Promise((done) => child.once('exit', done)) };
    };

    it.each(commands)('leaves no process and no mount of $argv.0 $argv.1 while it runs', async (command) => {
      const { child, ended } = start(command);
      while (!leftovers(scratch).some((line) => IS_NAP.test(line))) await sleep(10);
      child.kill('SIGKILL');
      await ended;
      expect(await remaining()).toEqual([]);
    });

    // Node itself needs about 100 ms before it starts anything.
    const moments = Array.from({ length: 12 }, (_, i) => 90 + i * 15);

    it.each(moments)('leaves no process and no mount after %i ms', async (moment) => {
      const { child, ended } = start(commands[moment % commands.length]);
      await sleep(moment);
      child.kill('SIGKILL');
      await ended;
      expect(await remaining()).toEqual([]);
    });
  });
}

/** Processes whose command line holds the scratch directory or the tests' command. */
function leftovers(scratch: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return line.includes(scratch) || line.includes(NAP) ? [`${pid} ${line.slice(0, 200)}`] : [];
      } catch {
        return []; // It ended meanwhile.
      }
    });
}
