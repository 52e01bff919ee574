import { type ByteString, byteStringToUtf8 } from '@tsbuild/oci';
import type { BuildOutput } from './build-output.ts';
import { sanitizeName, sanitizeText } from '../../output/sanitize.ts';

/** So many of the paths that changed are named. */
const MOST = 3;

/** How a round of `build --watch` ended. */
export type WatchEnd = 'built' | 'loaded' | 'pushed' | 'failed';

/** What a round that went well was for. */
export function endOf(outputs: readonly BuildOutput[]): WatchEnd {
  if (outputs.some(({ kind }) => kind === 'engine')) return 'loaded';
  return outputs.some(({ kind }) => kind === 'registry') ? 'pushed' : 'built';
}

/** What `build --watch` says between builds: lines for people, JSON for programs, or nothing. */
export class WatchOutput {
  readonly #write: (text: string) => void;
  readonly #mode: 'lines' | 'json' | 'quiet';
  readonly #root: ByteString;

  /** Paths below `root` (absolute) are shown relative to it. */
  constructor(write: (text: string) => void, mode: 'lines' | 'json' | 'quiet', root: string) {
    this.#write = write;
    this.#mode = mode;
    this.#root = `${Buffer.from(root).toString('latin1')}/`;
  }

  waiting(directories: number): void {
    const what = `${directories} ${directories === 1 ? 'directory' : 'directories'}`;
    this.#say({ type: 'watch-waiting', directories }, `Watching ${what} for changes; Ctrl-C ends it.`);
  }

  /** `restarts`: a build was under way, which is given up. */
  changed(paths: readonly ByteString[], flooded: boolean, restarts: boolean): void {
    const shown = paths.map((path) => this.#shown(path));
    const more = shown.length > MOST ? ` and ${shown.length - MOST} more` : '';
    const what = shown.length === 0 ? 'very much' : shown.slice(0, MOST).map(sanitizeName).join(', ') + more;
    const text = `\n${what} changed${restarts ? ' meanwhile: building again' : ''}`;
    this.#say({ type: 'watch-changed', paths: shown, flooded, restarts }, text);
  }

  /** `milliseconds` since the change was seen; undefined for the first build. */
  finished(end: WatchEnd, milliseconds: number | undefined): void {
    const time = milliseconds === undefined ? undefined : Math.round(milliseconds);
    const text = time === undefined ? undefined : `${capital(end)} ${time} ms after the change.`;
    this.#say({ type: 'watch-finished', end, ...(time === undefined ? {} : { milliseconds: time }) }, text);
  }

  #say(event: object, text: string | undefined): void {
    if (this.#mode === 'json') this.#write(`${sanitizeText(JSON.stringify(event))}\n`);
    else if (this.#mode === 'lines' && text !== undefined) this.#write(`${text}\n`);
  }

  #shown(path: ByteString): string {
    return byteStringToUtf8(path.startsWith(this.#root) ? path.slice(this.#root.length) : path);
  }
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
