import { type BuildFlags, buildOptionTable } from './build-options.ts';

/** Flags that change nothing, and whose users may believe that they do. The others are taken without a word. */
const TOLD = [
  'squash',
  'memory',
  'memory-swap',
  'cpu-period',
  'cpu-quota',
  'cpu-shares',
  'cpuset-cpus',
  'cpuset-mems',
  'cgroup-parent',
  'security-opt',
] as const;

const isGiven = (value: string | boolean | readonly string[] | undefined): boolean =>
  typeof value === 'object' ? value.length > 0 : value !== undefined && value !== false;

/** What to say of given flags that change nothing: one notice for all flags of one reason. */
export function unusedNotices(flags: BuildFlags): readonly string[] {
  const byReason = new Map<string, string[]>();
  for (const name of TOLD.filter((flag) => isGiven(flags[flag]))) {
    const reason = buildOptionTable[name].unused;
    byReason.set(reason, [...(byReason.get(reason) ?? []), `--${name}`]);
  }
  return [...byReason].map(([reason, names]) => {
    const verb = names.length === 1 ? 'changes' : 'change';
    return `${names.join(', ')} ${verb} nothing: ${reason}`;
  });
}
