import { setTimeout as sleep } from 'node:timers/promises';
import { leftovers, leftoversAfterDeath } from '../../test/support/leftovers.ts';
import { output } from '../../test/support/process.ts';
import { ModeCommand } from './mode-command.ts';
import type { Mode } from './modes.ts';

/** A number of seconds that nobody else sleeps for. */
const NAP = String(600_000_000 + process.pid);

/** Each in its own way tries to be alive when who started it is not. */
const COMMANDS = [
  `setsid sh -c 'trap "" HUP TERM INT; sleep ${NAP}' & sleep ${NAP}`,
  `(sleep ${NAP} &) ; (kill -STOP $$ &) ; sleep ${NAP}`,
  `su -s /bin/sh nobody -c 'exec sleep ${NAP}' || exec sleep ${NAP}`,
];

/** Milliseconds after the start at which builds are killed; undefined: when the command runs. */
const MOMENTS = [undefined, undefined, 60, 120, 180, 240, 300, 400];

/**
 * Kills tsbuild, alone and with its process group, while commands run in the sandboxes that it made: in a RUN, in a container, by `exec`.
 * @returns the processes that were alive afterwards
 */
export async function trySurvivors(mode: Mode, base: string): Promise<readonly string[]> {
  const tsbuild = new ModeCommand(mode);
  const found: string[] = [];
  const look = async (when: string): Promise<void> => {
    // Its store is in the arguments of all that a sandbox is made with.
    const left = await leftoversAfterDeath(NAP, `${mode.folder}/store`);
    found.push(...left.map((one) => `killed ${when}: ${one}`));
    for (const one of left) end(Number(/^process (\d+): /.exec(one)?.[1]));
  };
  for (const [i, moment] of MOMENTS.entries()) {
    const command = COMMANDS[i % COMMANDS.length] ?? '';
    const whole = i % 2 === 1;
    const context = tsbuild.context(`survivor-${i}`, { Dockerfile: `FROM ${base}\nRUN ${command}\n` });
    await using build = tsbuild.start(['build', '--no-cache', '--progress', 'plain', context]);
    if (moment === undefined) await until(async () => (await naps()).length > 0);
    else await sleep(moment);
    process.kill(whole ? -build.pid : build.pid, 'SIGKILL');
    await build.ended;
    await look(`in a RUN after ${moment ?? 'its start'} ms${whole ? ', with its group' : ''}`);
  }
  await tsbuild.output(['run', '-d', '--name', 'survivor', base, 'sh', '-c', `sleep ${NAP} & sleep ${NAP}`]);
  await using further = tsbuild.start(['exec', 'survivor', 'sh', '-c', `setsid sleep ${NAP} & sleep ${NAP}`]);
  await until(async () => (await naps()).length >= 4);
  const id = (await tsbuild.output(['inspect', '-f', '{{.Id}}', 'survivor'])).trim();
  const monitor = await output('pgrep', ['-f', `__container-monitor .* ${id}`]);
  process.kill(Number(monitor), 'SIGKILL');
  await further.ended;
  await look('as the monitor of a container');
  await tsbuild.output(['rm', '-f', 'survivor']);
  return found;
}

/** Ends what should have ended by itself. */
function end(pid: number): void {
  try {
    if (pid > 1) process.kill(pid, 'SIGKILL');
  } catch {
    // It has.
  }
}

async function naps(): Promise<readonly string[]> {
  return (await leftovers(NAP)).filter((line) => /: sleep \d+ ?$/.test(line));
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 600 && !(await holds()); i++) await sleep(50);
}
