import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseReference } from '@tsbuild/oci/node';
import { UsageError } from '../../host/usage-error.ts';
import type { Host } from '../../host/host.ts';
import { isRemote } from './build-context.ts';

/**
 * Reads `--build-context NAME=SOURCE`. Directories become absolute; of everything else the builder sees what it is.
 * @throws UsageError
 */
export function parseNamedContext(text: string, host: Host): [string, string] {
  const equals = text.indexOf('=');
  const name = equals < 0 ? '' : text.slice(0, equals);
  const source = text.slice(equals + 1);
  const bad = (problem: string): UsageError =>
    new UsageError(`invalid --build-context ${JSON.stringify(text)}: ${problem}`, { command: 'build' });
  if (name === '' || source === '') throw bad('expected NAME=SOURCE');
  checkName(name, bad);
  if (source.startsWith('docker-image://')) return [name, source];
  if (/^(?:target|input):/.test(source)) throw bad('targets exist only in bake files');
  const layout = /^oci-layout:\/\/(.+)$/s.exec(source)?.[1];
  if (layout !== undefined) return [name, `oci-layout://${resolve(host.cwd, layout)}`];
  const directory = resolve(host.cwd, source);
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return [name, directory];
  if (isRemote(source)) return [name, source];
  throw bad(`there is no directory ${source}`);
}

function checkName(name: string, bad: (problem: string) => UsageError): void {
  try {
    parseReference(name);
  } catch (error) {
    throw bad(error instanceof Error ? error.message : String(error));
  }
}
