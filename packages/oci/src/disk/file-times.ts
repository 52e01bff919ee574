import { futimesSync, lutimesSync } from 'node:fs';
import type { TarTime } from '../tar/entry.ts';
import type { Native } from './native.ts';
import type { RawPath } from './raw-path.ts';

/** How times are set: to the nanosecond, which may take a process each, or as near as Node's own calls come. */
export type TimeSetter = (at: () => RawPath, time: TarTime, fd?: number) => void;

/** Sets times exactly. */
export function exactTimes(native: Native): TimeSetter {
  return (at, time, fd) => {
    if (isPlain(time)) setTime(at, time.seconds, fd);
    else native.setTimes(at(), time.seconds, time.nanoseconds);
  };
}

/** Sets times to the microsecond. */
export function nearTimes(at: () => RawPath, time: TarTime, fd?: number): void {
  setTime(at, nearestMillisecond(time), fd);
}

/**
 * Node takes numbers before 1970 for the current time, but dates for what they say. It keeps microseconds and cuts off what a
 * double cannot hold of them, so the time lies half a microsecond further.
 */
export function nearestMillisecond({ seconds, nanoseconds }: TarTime): number | Date {
  if (seconds < 0) return new Date(seconds * 1000 + nanoseconds / 1e6);
  return nanoseconds === 0 ? seconds : seconds + (Math.floor(nanoseconds / 1000) + 0.5) / 1e6;
}

/** What Node's own calls set right. */
function isPlain({ seconds, nanoseconds }: TarTime): boolean {
  return seconds >= 0 && nanoseconds === 0;
}

function setTime(at: () => RawPath, time: number | Date, fd?: number): void {
  if (fd === undefined) lutimesSync(at(), time, time);
  else futimesSync(fd, time, time);
}
