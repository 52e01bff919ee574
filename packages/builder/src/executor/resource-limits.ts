import type { ResourceLimit } from './executor.ts';
import { requireTool } from './host-tools.ts';

/** Options of `prlimit`. */
export function limitWords(limits: readonly ResourceLimit[]): readonly string[] {
  const show = (value: number): string => (value < 0 ? 'unlimited' : String(value));
  return limits.map(({ name, soft, hard }) => `--${name}=${show(soft)}:${show(hard)}`);
}

/** The words in front of a command that has these limits. */
export function limitOptions(limits: readonly ResourceLimit[]): readonly string[] {
  return limits.length === 0 ? [] : [requireTool('prlimit'), ...limitWords(limits), '--'];
}
