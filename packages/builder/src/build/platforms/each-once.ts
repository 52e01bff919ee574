import type { Finding } from '../../lint/finding.ts';

/** What several platforms have in common is said once, and all of it in the order of the file. */
export function eachOnce(found: readonly (readonly Finding[])[]): readonly Finding[] {
  const [only = [], ...others] = found;
  if (others.length === 0) return only;
  const once = new Map<string, Finding>();
  for (const finding of found.flat()) {
    const { rule, message, range } = finding;
    const key = JSON.stringify([rule, message, range]);
    if (!once.has(key)) once.set(key, finding);
  }
  return [...once.values()].toSorted((a, b) => a.range.start.line - b.range.start.line);
}
