/** What each level of x86-64 adds (x86-64 psABI, "micro-architecture levels"), as /proc/cpuinfo names it. */
const LEVELS: readonly (readonly string[])[] = [
  ['cx16', 'lahf_lm', 'popcnt', 'pni', 'sse4_1', 'sse4_2', 'ssse3'],
  ['avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'abm', 'movbe', 'xsave'],
  ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl'],
];

/** The highest level that a processor has, 1 to 4. @param cpuinfo the text of /proc/cpuinfo */
export function processorLevel(cpuinfo: string): number {
  const has = new Set((/^flags\s*:(.*)$/m.exec(cpuinfo)?.[1] ?? '').trim().split(/\s+/));
  const missing = LEVELS.findIndex((flags) => !flags.every((flag) => has.has(flag)));
  return missing < 0 ? LEVELS.length + 1 : missing + 1;
}
