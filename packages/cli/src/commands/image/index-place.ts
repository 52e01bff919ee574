import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { IndexSource } from '@tsbuild/builder';
import { CommandError } from '../../host/usage-error.ts';

/**
 * What a SOURCE says of itself: `oci-layout://DIR[:TAG|@DIGEST]`, `docker-image://NAME` of a registry, and a path (`./x`, `/x`,
 * `x.tar`) of a layout or an archive. Undefined for a name.
 * @throws CommandError when nothing is at the path
 */
export function indexPlace(text: string, cwd: string): IndexSource | undefined {
  const remote = /^docker-image:\/\/(.+)$/s.exec(text)?.[1];
  if (remote !== undefined) return { kind: 'registry', reference: remote };
  const layout = /^oci-layout:\/\/(.+)$/s.exec(text)?.[1];
  if (layout !== undefined) return layoutAt(layout, cwd);
  if (!/^\.{0,2}\//.test(text) && !text.endsWith('.tar')) return undefined;
  const path = resolve(cwd, text);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return { kind: 'layout', path };
  if (found !== undefined) return { kind: 'archive', path };
  throw new CommandError(`there is no archive or layout at ${text}`, {
    hint: 'images of the store and of registries are named without a leading ./ or /',
  });
}

function layoutAt(place: string, cwd: string): IndexSource {
  const path = resolve(cwd, place);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return { kind: 'layout', path };
  const [, directory, image] = /^(.+?)(?:@(?=sha256:)|:(?=[\w][\w.-]*$))(.+)$/s.exec(place) ?? [];
  if (directory === undefined || image === undefined) return { kind: 'layout', path };
  return { kind: 'layout', path: resolve(cwd, directory), image };
}
