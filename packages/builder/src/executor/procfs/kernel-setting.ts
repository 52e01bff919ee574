import { readFileSync } from 'node:fs';

/** What a file of /proc, /sys or /etc says, trimmed; undefined where this machine does not have it. */
export function kernelSetting(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return undefined;
  }
}
