import type { Host } from '../host.ts';
import { sanitizeName } from '../output/sanitize.ts';
import type { BuildFlags } from './build-options.ts';

/** A limit that the user should know, told beside the progress of a build. */
export function limitNotice(text: string, flags: Pick<BuildFlags, 'quiet' | 'progress'>, host: Host): void {
  if (flags.quiet) return;
  const json = flags.progress === 'json';
  const event = { type: 'notice', level: 'warning', message: text };
  host.stderr.write(json ? `${JSON.stringify(event)}\n` : `WARNING: ${sanitizeName(text)}\n`);
}
