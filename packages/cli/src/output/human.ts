const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];

/** A size in bytes as docker shows it: decimal units, three significant digits (`12.3MB`, `4.2kB`, `0B`). */
export function humanSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(3))}${UNITS[unit]}`;
}

/** A duration in milliseconds in docker's words (`2 hours`, `About a minute`); docker/go-units, HumanDuration. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.trunc(milliseconds / 3_600_000 + 0.5);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(milliseconds / 3_600_000 / 24 / 365)} years`;
}

/** How long ago an RFC 3339 time was (`2 hours ago`), or `N/A` when there is none. `now`: milliseconds since 1970. */
export function humanAge(time: string | undefined, now: number): string {
  const then = time === undefined ? Number.NaN : Date.parse(time);
  // Go's zero time, 0001-01-01, is how docker writes "unknown".
  if (Number.isNaN(then) || time?.startsWith('0001-01-01')) return 'N/A';
  return `${humanDuration(Math.max(0, now - then))} ago`;
}

/** Milliseconds as a step's time: `0.3s`, `65.2s`. */
export function stepTime(milliseconds: number): string {
  return `${(Math.max(0, milliseconds) / 1000).toFixed(1)}s`;
}

/** `text` cut to `width` characters, the last one an ellipsis when something was cut. */
export function ellipsis(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`;
}
