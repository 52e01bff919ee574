import type { ProgressReporter } from '@tsbuild/builder';
import type { Host } from '../host/host.ts';
import { type Activity, BUILDING } from './board.ts';
import { usesColour } from './colour.ts';
import { type Diagnostic, diagnose, renderDiagnostic } from './diagnostic.ts';
import { type FailedLog, KeptLogs } from './kept-logs.ts';
import { JsonProgress } from './json.ts';
import { RawJsonProgress } from './rawjson.ts';
import { PlainProgress } from './plain.ts';
import { styled } from './safe-stream.ts';
import { TtyProgress } from './tty.ts';
import { interruptionOf, reportError } from './report-error.ts';

/** The option by which commands let choose how progress is shown. */
export const progressOption = {
  kind: 'value',
  placeholder: 'MODE',
  describe: 'How to show progress',
  choices: ['auto', 'tty', 'plain', 'json'],
} as const;

/** The same for `build`, which has all of buildx's words. */
export const buildProgressOption = {
  ...progressOption,
  choices: [...progressOption.choices, 'rawjson', 'quiet'],
} as const;

/** The flags that choose the output. */
export interface ProgressFlags {
  readonly progress: string | undefined;
  readonly quiet: boolean;
}

/** How progress is shown. */
export type ProgressMode = 'quiet' | 'plain' | 'tty' | 'json' | 'rawjson';

/** What an output for programs is told beside the events. */
interface ProgramOutput {
  pushed(image: { readonly reference: string; readonly digest: string; readonly size: number }): void;
  /** Set where a failure is a line too, and no text. */
  fail?(diagnostic: Diagnostic): void;
}

/** The progress output of one build or transfer. */
export interface OpenProgress {
  readonly mode: ProgressMode;
  readonly reporter: ProgressReporter;
  /** Set where programs read the output: then nothing is said to people beside it. */
  readonly json?: ProgramOutput;
  /** The whole log of the step that failed, where the output has not shown all of it. */
  readonly logs?: KeptLogs;
  /** Finishes the live view and gives the terminal back. `ended`: where no event tells how it ended. */
  close(ended?: 'done' | 'failed'): void;
}

/** Opens the output that `--progress`, `--quiet`, BUILDKIT_PROGRESS and the terminal ask for. */
export function openProgress(flags: ProgressFlags, host: Host, activity: Activity = BUILDING): OpenProgress {
  const mode = progressMode(flags, host);
  const write = (text: string) => void host.stderr.write(text);
  const nothing = () => {};
  if (mode === 'quiet') {
    const logs = new KeptLogs({ report: nothing });
    return { mode, reporter: logs, logs, close: nothing };
  }
  if (mode === 'plain') return { mode, reporter: new PlainProgress(write, host.now), close: nothing };
  if (mode === 'json') {
    const json = new JsonProgress(write);
    return { mode, reporter: json, json, close: nothing };
  }
  if (mode === 'rawjson') {
    const json = new RawJsonProgress(write, host.now);
    return { mode, reporter: json, json, close: nothing };
  }
  const tty = new TtyProgress(host.stderr, { now: host.now, colour: usesColour(host.stderr, host.env), activity });
  // A build has its first event at once; a registry may let us wait, and nothing looks like a hang.
  if (activity !== BUILDING) tty.start();
  const logs = new KeptLogs(tty);
  return { mode, reporter: logs, logs, close: (ended) => tty.close(ended) };
}

/** Shows a failure in the output's own form, and returns the exit code for it. */
export async function reportFailure(
  error: unknown,
  state: { readonly progress: OpenProgress; readonly debug: boolean },
  host: Host,
): Promise<number> {
  if (interruptionOf(host.signal) !== undefined) return reportError(error, host, state);
  const diagnostic = diagnose(error, state);
  if (state.progress.json?.fail === undefined) {
    const failed = state.progress.logs?.failed;
    if (failed !== undefined) await writeLog(failed, host);
    state.progress.logs?.[Symbol.dispose]();
    const rest = failed === undefined ? diagnostic : { ...diagnostic, output: [] };
    host.stderr.write(styled(renderDiagnostic(rest, { colour: usesColour(host.stderr, host.env) })));
  } else {
    state.progress.json.fail(diagnostic);
  }
  return diagnostic.exitCode;
}

/** All of it, however long: a slow terminal is waited for. */
async function writeLog({ title, lines }: FailedLog, host: Host): Promise<void> {
  const { stderr } = host;
  const line = async (text: string): Promise<void> => {
    if (stderr.write(`${text}\n`) || host.signal.aborted) return;
    await new Promise<void>((resolve) => stderr.once('drain', resolve).once('close', resolve));
  };
  await line('------');
  await line(` > ${title}:`);
  for (const text of lines) await line(text);
  await line('------');
}

/** What `--progress`, `--quiet`, BUILDKIT_PROGRESS and the terminal ask for. */
export function progressMode(flags: ProgressFlags, host: Host): ProgressMode {
  if (flags.quiet) return 'quiet';
  const asked = flags.progress ?? host.env['BUILDKIT_PROGRESS'];
  if (asked === 'plain' || asked === 'json' || asked === 'rawjson' || asked === 'quiet') return asked;
  // A live view needs a terminal that can move its cursor, whatever was asked for.
  const live = host.stderr.isTTY === true && host.env['TERM'] !== 'dumb';
  return live ? 'tty' : 'plain';
}
