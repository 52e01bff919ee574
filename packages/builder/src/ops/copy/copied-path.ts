import type { ByteString } from '@tsbuild/oci';
import type { CopyPlan } from './copy-item.ts';
import type { CopyRequest } from './copy-request.ts';
import { printablePath } from '../listing.ts';

/** How paths have changed: `from/x` became `to/x`. */
interface Move {
  readonly to: string;
  readonly from: string;
}

/**
 * Names files of a copy's listing as people do: by their paths in the context (or the stage), where all of them have got
 * to their places by one and the same change of the beginning, as with `COPY . /app`; else by their places in the image.
 */
export function shownPaths(plan: CopyPlan, from: CopyRequest['from']['kind']): (path: string) => string {
  const move = commonMove(plan);
  const root = from === 'stage' ? '/' : '';
  return (path) =>
    move !== undefined && path.startsWith(move.to) ? `${root}${move.from}${path.slice(move.to.length)}` : `/${path}`;
}

/** The beginnings of places and sources that all copied files share; undefined when they differ. */
function commonMove(plan: CopyPlan): Move | undefined {
  let move: Move | undefined;
  for (const [place, item] of plan.items) {
    // Folders may be the destination itself, which has another name.
    if (item.kind !== 'copied' || item.entry.type === 'directory') continue;
    const source = item.entry.path;
    if (move !== undefined && isMoved(place, source, move)) continue;
    const next = differingStarts(place, source);
    if (move !== undefined && (move.to !== next.to || move.from !== next.from)) return undefined;
    move = next;
  }
  return move && { to: printablePath(move.to), from: printablePath(move.from) };
}

/** Whether {@link differingStarts} would give this move, without taking the paths apart: there may be ten thousands. */
function isMoved(place: ByteString, source: ByteString, { to, from }: Move): boolean {
  const areFolders = (to === '' || to.endsWith('/')) && (from === '' || from.endsWith('/'));
  if (!areFolders || !place.startsWith(to) || !source.startsWith(from)) return false;
  return place.length > to.length && place.slice(to.length) === source.slice(from.length);
}

/** What is left of two paths without the components at the end that are the same. */
function differingStarts(to: string, from: string): Move {
  const places = to.split('/');
  const sources = from.split('/');
  while (places.length > 0 && sources.length > 0 && places.at(-1) === sources.at(-1)) {
    places.pop();
    sources.pop();
  }
  const start = (parts: readonly string[]): string => (parts.length === 0 ? '' : `${parts.join('/')}/`);
  const whole = places.join('/') === to || sources.join('/') === from;
  return whole ? { to, from } : { to: start(places), from: start(sources) };
}
