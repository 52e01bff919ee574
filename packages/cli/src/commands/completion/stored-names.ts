import { resolve } from 'node:path';
import { ContainerStore, dockerfileStages } from '@tsbuild/builder';
import { familiarName, Layout } from '@tsbuild/oci/node';
import type { Host } from '../../host/host.ts';
import { storeRoot } from '../../store/store-root.ts';
import type { Line } from './line.ts';

// A file of its own: these imports are for completing alone, and a bundler takes from a package only what is named.

/** The names of the images in the store that the line means. */
export async function imageCandidates(line: Line, host: Host): Promise<readonly string[]> {
  const layout = await Layout.open(storeRoot(line.options.get('root'), host));
  const names = (await layout.images()).flatMap((image) => image.names.map(familiarName));
  return names.map((name) => name.replace(/:latest$/, ''));
}

/** The stages of the Dockerfile that the line means. */
export async function stageCandidates(line: Line, host: Host): Promise<readonly string[]> {
  const context = resolve(host.cwd, line.operands[0] ?? '.');
  const file = line.options.get('file');
  return dockerfileStages(file === undefined ? resolve(context, 'Dockerfile') : resolve(host.cwd, file));
}

/** What a command can do something with only while it runs, or only while it does not. */
const WANTS_RUNNING: ReadonlyMap<string, boolean> = new Map([
  ...['attach', 'exec', 'kill', 'pause', 'port', 'stop', 'top', 'unpause'].map((name) => [name, true] as const),
  ['start', false],
]);

/** The names of the containers that a command may be meant for. */
export function containerNames(command: string, line: Line, host: Host): readonly string[] {
  const wanted = WANTS_RUNNING.get(command);
  const all = new ContainerStore(storeRoot(line.options.get('root'), host)).list();
  return all.filter(({ isRunning }) => wanted === undefined || isRunning === wanted).map(({ name }) => name);
}
