import { invalid } from './invalid.ts';

const NANOSECONDS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n, // U+00B5, the micro sign
  μs: 1_000n, // U+03BC, the Greek letter
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const MAX_INT64 = (1n << 63n) - 1n;
/** Docker's health checks know no shorter interval. */
const MIN_INTERVAL = NANOSECONDS['ms'] ?? 0n;
/** Longer texts are no durations; a bound keeps the arithmetic small. */
const MAX_LENGTH = 200;

/**
 * Parses a Go duration (`1m30s`, `500ms`, `-1.5h`, `0`) to nanoseconds, exact up to 2^53 (104 days).
 * Throws BuildError DOCKERFILE_INVALID, without a range, in the words of Go's time.ParseDuration.
 */
export function parseDuration(text: string): number {
  const parsed = parse(text);
  if (typeof parsed === 'string') throw invalid(parsed);
  return Number(parsed);
}

/** What is wrong with a health check's interval: no duration, negative, or above 0 and below 1ms. */
export function checkInterval(name: string, text: string): string | undefined {
  const parsed = parse(text);
  if (typeof parsed === 'string') return parsed;
  return parsed !== 0n && parsed < MIN_INTERVAL
    ? `Interval ${JSON.stringify(name)} cannot be less than 1ms`
    : undefined;
}

/** The nanoseconds, or what is wrong. */
function parse(text: string): bigint | string {
  const bad = `time: invalid duration ${JSON.stringify(text)}`;
  const negative = text.startsWith('-');
  const body = text.replace(/^[-+]/, '');
  if (body === '0') return 0n;
  if (body === '' || text.length > MAX_LENGTH) return bad;
  let total = 0n;
  const part = /([0-9]*)(?:\.([0-9]*))?([^0-9.]*)/y;
  while (part.lastIndex < body.length) {
    const [, whole = '', fraction = '', unit = ''] = part.exec(body) ?? [];
    if (whole === '' && fraction === '') return bad;
    if (unit === '') return `time: missing unit in duration ${JSON.stringify(text)}`;
    const scale = Object.hasOwn(NANOSECONDS, unit) ? NANOSECONDS[unit] : undefined;
    if (scale === undefined) return `time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`;
    total += BigInt(whole || '0') * scale + (BigInt(fraction || '0') * scale) / 10n ** BigInt(fraction.length);
  }
  if (total > MAX_INT64) return bad;
  return negative ? -total : total;
}
