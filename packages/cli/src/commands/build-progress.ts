import type { ProgressReporter } from '@tsbuild/builder';
import type { Host } from '../host.ts';
import { usesColour } from '../output/colour.ts';
import { JsonProgress } from '../output/json.ts';
import { PlainProgress } from '../output/plain.ts';
import { TtyProgress } from '../output/tty.ts';
import type { BuildFlags } from './build-options.ts';

/** The progress output of one build. */
export interface BuildProgress {
  readonly mode: 'quiet' | 'plain' | 'tty' | 'json';
  readonly reporter: ProgressReporter;
  /** Set in json mode, where a failure is a line too. */
  readonly json?: JsonProgress;
  /** Finishes the live view and gives the terminal back. */
  close(): void;
}

/** Opens the output that `--progress`, `--quiet`, BUILDKIT_PROGRESS and the terminal ask for. */
export function openProgress(flags: Pick<BuildFlags, 'progress' | 'quiet'>, host: Host): BuildProgress {
  const mode = progressMode(flags, host);
  const write = (text: string) => void host.stderr.write(text);
  const nothing = () => {};
  if (mode === 'quiet') return { mode, reporter: { report: nothing }, close: nothing };
  if (mode === 'plain') return { mode, reporter: new PlainProgress(write, host.now), close: nothing };
  if (mode === 'json') {
    const json = new JsonProgress(write);
    return { mode, reporter: json, json, close: nothing };
  }
  const tty = new TtyProgress(host.stderr, { now: host.now, colour: usesColour(host.stderr, host.env) });
  return { mode, reporter: tty, close: () => tty.close() };
}

function progressMode(flags: Pick<BuildFlags, 'progress' | 'quiet'>, host: Host): BuildProgress['mode'] {
  if (flags.quiet) return 'quiet';
  const asked = flags.progress ?? host.env['BUILDKIT_PROGRESS'];
  if (asked === 'plain' || asked === 'json') return asked;
  // A live view needs a terminal that can move its cursor, whatever was asked for.
  const live = host.stderr.isTTY === true && host.env['TERM'] !== 'dumb';
  return live ? 'tty' : 'plain';
}
