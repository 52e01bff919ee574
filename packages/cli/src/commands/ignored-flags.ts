import type { BuildFlags } from './build-options.ts';

/** Of docker's classic builder; BuildKit takes them and does nothing. */
const LIMITS = [
  'memory',
  'memory-swap',
  'cpu-period',
  'cpu-quota',
  'cpu-shares',
  'cpuset-cpus',
  'cpuset-mems',
  'cgroup-parent',
] as const;

/** What to say of flags that are taken, as BuildKit takes them, and change nothing. */
export function ignoredFlags(flags: BuildFlags): readonly string[] {
  const limits = LIMITS.filter((name) => flags[name] !== undefined).map((name) => `--${name}`);
  return [
    ...(limits.length === 0
      ? []
      : [
          `${limits.join(', ')}: RUN has no such limits; use --ulimit, or run the whole build in a limited cgroup (systemd-run --scope -p MemoryMax=2G tsbuild …)`,
        ]),
    ...flags['security-opt'].map(
      (text) => `--security-opt ${text}: the sandbox of RUN is always the same; see --isolation`,
    ),
  ];
}
