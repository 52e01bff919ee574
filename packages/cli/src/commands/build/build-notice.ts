import type { Host } from '../../host/host.ts';
import { type ProgressFlags, openProgress, progressMode } from '../../output/open-progress.ts';
import { sanitizeName } from '../../output/sanitize.ts';

/** A limit that the user should know, told beside the progress of a build. */
export function limitNotice(text: string, flags: ProgressFlags, host: Host): void {
  const mode = progressMode(flags, host);
  if (mode === 'quiet') return;
  if (mode !== 'json' && mode !== 'rawjson') host.stderr.write(`WARNING: ${sanitizeName(text)}\n`);
  else openProgress(flags, host).reporter.report({ type: 'notice', level: 'warning', message: text });
}
