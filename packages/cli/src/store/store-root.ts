import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { Host } from '../host/host.ts';

/** The image store's directory: `--root`, else TSBUILD_ROOT, else below XDG_DATA_HOME or ~/.local/share. Absolute. */
export function storeRoot(option: string | undefined, host: Pick<Host, 'env' | 'cwd'>): string {
  const given = option || host.env['TSBUILD_ROOT'];
  if (given) return isAbsolute(given) ? resolve(given) : resolve(host.cwd, given);
  const data = host.env['XDG_DATA_HOME'];
  // The XDG specification: a relative path in the variable is to be ignored.
  if (data?.startsWith('/')) return join(data, 'tsbuild');
  return join(host.env['HOME'] || homedir(), '.local/share/tsbuild');
}
