import { fileURLToPath } from 'node:url';
import { type Ended, PYTHON, run } from './process.ts';
import type { Tsbuild } from './tsbuild.ts';

/** What to wait for on the terminal, and what to type then; or the size that it gets. */
export type TerminalStep = readonly [string, string | { readonly resize: readonly [number, number] }];

const DRIVER = fileURLToPath(new URL('type-on-terminal.py', import.meta.url));

/** Runs `tsbuild ARGS` on a real terminal of 30 rows and 90 columns; stdout is what was shown, without carriage returns. */
export async function typeOnTerminal(
  builder: Tsbuild,
  args: readonly string[],
  steps: readonly TerminalStep[],
  seconds = 60,
): Promise<Ended> {
  const { words, env } = builder.commandLine(args);
  const plan = JSON.stringify({ argv: words, steps, timeout: seconds });
  const ended = await run(PYTHON, [DRIVER, plan], { env, timeout: (seconds + 10) * 1000 });
  return { ...ended, stdout: ended.stdout.replaceAll('\r', '') };
}
