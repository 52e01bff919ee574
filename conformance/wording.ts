/**
 * A `created_by` in the words of today's BuildKit: engines before Dockerfile 1.20 print EXPOSE and HEALTHCHECK as Go prints
 * the structures behind them.
 */
export function todaysWording(createdBy: string): string {
  const [, ports] = /^EXPOSE map\[(.*)\]$/.exec(createdBy) ?? [];
  if (ports !== undefined) return `EXPOSE [${ports.replaceAll(':{}', '')}]`;
  const [, check] = /^HEALTHCHECK &\{(.*)\}$/s.exec(createdBy) ?? [];
  return check === undefined ? createdBy : `HEALTHCHECK ${healthcheck(check)}`;
}

/** `["CMD-SHELL" "x"] "5s" "3s" "1m0s" "0s" '\x02'`; the start interval came with Docker 25. */
function healthcheck(text: string): string {
  const [, list = '', rest = ''] = /^\[((?:"(?:[^"\\]|\\.)*" ?)*)\](.*)$/s.exec(text) ?? [];
  const test = strings(list);
  const durations = strings(rest);
  const [interval = '', timeout = '', startPeriod = '', startInterval = '0s'] = durations;
  const retries = rune(/'(.*)'$/s.exec(rest)?.[1] ?? '');
  return (
    `{Test:[${test.join(' ')}] Interval:${interval} Timeout:${timeout} StartPeriod:${startPeriod} ` +
    `StartInterval:${startInterval} Retries:${retries}}`
  );
}

function strings(text: string): string[] {
  return (text.match(/"(?:[^"\\]|\\.)*"/g) ?? []).map((quoted) => JSON.parse(quoted) as string);
}

/** A number that was printed as a character. */
function rune(text: string): number {
  const [, code] = /^\\x([0-9a-f]{2})$/.exec(text) ?? [];
  if (code !== undefined) return Number.parseInt(code, 16);
  const short = 'abtnvfr'.indexOf(text.slice(1));
  if (text.startsWith('\\') && short >= 0) return [7, 8, 9, 10, 11, 12, 13][short] ?? 0;
  return (text.startsWith('\\') ? text.slice(1) : text).codePointAt(0) ?? 0;
}
