import { asStranger, CAN_BE_OTHERS, strangerOf } from './strangers.ts';
import { ModeCommand } from './mode-command.ts';
import type { Mode } from './modes.ts';

const NAME = 'terminals';

/** Reads from and writes to each terminal of the machine, without waiting. */
const LOOK = `for p in /dev/pts/[0-9]* /dev/tty[0-9]*; do
  { : <>"$p"; } 2>/dev/null && echo "$p"
done`;

/**
 * A user of the machine whose number a command in a container has, opens the terminal of that command: reads what is typed, and
 * writes to the screen.
 * @returns the terminals that could be opened
 */
export async function tryTerminals(mode: Mode, base: string): Promise<readonly string[]> {
  if (!CAN_BE_OTHERS) return [];
  const tsbuild = new ModeCommand(mode);
  const uid = String(strangerOf(mode).uid);
  const looked = async (): Promise<readonly string[]> => (await asStranger(mode, LOOK)).stdout.split('\n');
  const before = await looked();
  const found: string[] = [];
  const says = ['sh', '-c', 'echo on a terminal; sleep 100'];
  await tsbuild.output(['run', '-d', '--name', NAME, base, 'sleep', '1000']);
  try {
    const users = mode.name === 'user, single id' ? [[]] : [['-u', uid], []];
    for (const user of users) {
      const commands = [['exec', '-t', ...user, NAME, ...says], ['run', '--rm', '--name', `${NAME}-own`, '-t', ...user, base, ...says]]; // biome-ignore format: two commands
      for (const words of commands) {
        await using command = tsbuild.start(words);
        await command.says('on a terminal');
        const opened = (await looked()).filter((path) => !before.includes(path));
        found.push(...opened.map((path) => `${words.slice(0, 5).join(' ')}: ${path}`));
      }
      await tsbuild.run(['rm', '-f', `${NAME}-own`]);
    }
  } finally {
    await tsbuild.output(['rm', '-f', NAME]);
  }
  return found;
}
