import { PassThrough } from 'node:stream';
import type { FailedRun } from '@tsbuild/builder';
import type { Host } from '../host/host.ts';
import { sanitizeName } from './sanitize.ts';
import { enterRawMode } from '../terminal/raw-mode.ts';

/** Opens a shell for the user where a RUN failed; the build goes on to its end when it is left. */
export async function openFailedRun(failed: FailedRun, host: Host): Promise<void> {
  const { stdin, stdout, stderr } = host;
  stderr.write(`${sanitizeName(failed.error.message)}\n`);
  stderr.write('A shell in the state before this command, with its mounts and environment; exit ends the build.\n');
  const { rows = 24, columns = 80 } = stdout;
  const terminal = stdin.isTTY === true ? { rows, columns } : undefined;
  const input = new PassThrough();
  const resized: (() => void)[] = [];
  const leaveRawMode = enterRawMode(stdin);
  stdin.pipe(input);
  try {
    await failed.shell({
      output: {
        stdout: (chunk) => void stdout.write(chunk),
        stderr: (chunk) => void stderr.write(chunk),
      },
      control: {
        input,
        resizable: (resize) => {
          const follow = (): void => void resize({ rows: stdout.rows ?? rows, columns: stdout.columns ?? columns });
          resized.push(follow);
          stdout.on('resize', follow);
        },
      },
      ...(terminal === undefined ? {} : { terminal }),
    });
  } finally {
    stdin.unpipe(input);
    stdin.pause();
    for (const follow of resized) stdout.off('resize', follow);
    leaveRawMode();
  }
}
