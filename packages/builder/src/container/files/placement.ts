import type { ByteString } from '@tsbuild/oci';
import { BuildError } from '../../diagnostics/build-error.ts';

/** What is copied. */
export interface CopiedThing {
  /** Its last name as it was asked for; `''` for the root. */
  readonly name: ByteString;
  readonly isDirectory: boolean;
  /** The path ended in `/.`: what is in the directory, and not the directory. */
  readonly contentOnly: boolean;
}

/** Where it was asked to go. */
export interface Destination {
  readonly kind: 'missing' | 'directory' | 'other';
  /** Its last name, free of symlinks. */
  readonly name: ByteString;
  /** The path ended in a slash. */
  readonly saysDirectory: boolean;
}

/** In which directory the archive is unpacked, and what the thing is called in it. */
export interface Placement {
  readonly into: 'destination' | 'parent';
  /** `''`: its content has no directory of its own. */
  readonly name: ByteString;
}

/**
 * Docker's rules of `cp`: into a directory that is there, over a file, or under a new name.
 * @throws BuildError `COPY_FAILED`
 */
export function placementOf(thing: CopiedThing, to: Destination): Placement {
  if (to.kind === 'directory') return { into: 'destination', name: thing.contentOnly ? '' : thing.name };
  if (to.kind === 'other' && thing.isDirectory) {
    throw new BuildError('COPY_FAILED', 'cannot copy directory', { hint: 'The destination is a file.' });
  }
  if (to.kind === 'missing' && to.saysDirectory && !thing.isDirectory) {
    throw new BuildError('COPY_FAILED', 'no such directory', {
      hint: 'The destination ends in a slash, so it must exist: create it first, or omit the slash.',
    });
  }
  return { into: 'parent', name: to.name };
}

/** How a path is written that names something to copy. */
export function thingAt(path: ByteString, isDirectory: boolean): CopiedThing {
  const names: ByteString[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  const name = names.at(-1) ?? '';
  return { name, isDirectory, contentOnly: name === '' || /(?:^|\/)\.$/.test(path) };
}
