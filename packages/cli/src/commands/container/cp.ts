import { resolve } from 'node:path';
import {
  type ContainerCopyOptions,
  ContainerStore,
  copyFromContainer,
  copyToContainer,
  readFromContainer,
  writeToContainer,
} from '@tsbuild/builder';
import { type ByteString, utf8ToByteString } from '@tsbuild/oci/node';
import { defineCommand } from '../../grammar/command.ts';
import { besideContainer } from '../../container/program.ts';
import { UsageError } from '../../host/usage-error.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import type { Host } from '../../host/host.ts';
import { humanSize } from '../../output/human.ts';
import { sanitizeName } from '../../output/sanitize.ts';
import { streamSink } from '@tsbuild/oci/internal';

/** What one operand names: something of a container, something of this machine, or `-`. */
interface Named {
  readonly container?: string;
  readonly path: string;
}

/** `tsbuild cp`: files between a container, running or not, and this machine. */
export const cpCommand = defineCommand({
  name: 'cp',
  synopsis: 'CONTAINER:SRC DST|- | SRC|- CONTAINER:DST',
  summary: 'Copy files between a container and this machine; - is a tar archive',
  options: {
    archive: { kind: 'flag', short: 'a', describe: 'Keep owners (into a container: those of its USER)' },
    'follow-link': { kind: 'flag', short: 'L', describe: 'Follow a symlink at SRC' },
    quiet: { kind: 'flag', short: 'q', describe: 'Do not print what was copied' },
  },
  operands: { min: 2, max: 2, what: 'a source and a destination' },
  examples: [
    ['tsbuild cp web:/var/log/app.log .', 'A file out of a container'],
    ['tsbuild cp ./conf/. web:/etc/app', 'The contents of a directory into the container'],
    ['tsbuild cp web:/etc - | tar t', 'A directory as a tar archive'],
  ],
  async run({ options, operands: [from = '', to = ''], settings }, host) {
    const [source, target] = [named(from), named(to)];
    const name = checked(source, target);
    const inside = await besideContainer(name, settings.root, host);
    if (inside !== undefined) return inside;
    const container = new ContainerStore(settings.root).find(name);
    const how: ContainerCopyOptions = {
      archive: options.archive,
      followLink: options['follow-link'],
      notice: (text) => void host.stderr.write(`WARNING: ${sanitizeName(text)}\n`),
      signal: host.signal,
    };
    if (source.container === undefined && source.path === '-') {
      await writeToContainer(container, host.stdin as AsyncIterable<Uint8Array>, bytes(target.path), how);
    } else if (target.container === undefined && target.path === '-') {
      refuseTerminal(host);
      const sink = streamSink(host.stdout, host.signal);
      for await (const chunk of readFromContainer(container, bytes(source.path), how)) await sink(chunk);
    } else {
      const size =
        source.container === undefined
          ? await copyToContainer(container, bytes(local(source.path, host)), bytes(target.path), how)
          : await copyFromContainer(container, bytes(source.path), bytes(local(target.path, host)), how);
      if (!options.quiet && host.stderr.isTTY === true)
        host.stderr.write(`Successfully copied ${humanSize(size)} to ${sanitizeName(to)}\n`);
    }
    return EXIT_OK;
  },
});

/** Docker's rule: a path begins with a slash or a dot, or has no colon. */
function named(operand: string): Named {
  const colon = operand.indexOf(':');
  if (colon < 0 || /^[./]/.test(operand)) return { path: operand };
  return { container: operand.slice(0, colon), path: operand.slice(colon + 1) };
}

/** The one container's name. @throws UsageError */
function checked(source: Named, target: Named): string {
  const wrong = (message: string, hint?: string): UsageError => new UsageError(message, { command: 'cp', hint });
  if (source.container !== undefined && target.container !== undefined) {
    throw wrong('copying between containers is not supported', 'use a pipe: tsbuild cp A:SRC - | tsbuild cp - B:DST');
  }
  const name = source.container ?? target.container;
  if (name === undefined) throw wrong('must specify at least one container source', 'write CONTAINER:PATH');
  if (name === '') throw wrong('the name of the container is empty');
  if (source.path === '' || target.path === '')
    throw wrong('a path is empty', 'the root of a container is CONTAINER:/');
  return name;
}

/** Absolute, with the slash or dot at its end that says more than the path: `node:path` would take it away. */
function local(path: string, host: Host): string {
  const absolute = resolve(host.cwd, path);
  const [ending = ''] = /(?:\/|\/\.|^\.)$/.exec(path) ?? [];
  return ending === '' || absolute === '/' ? absolute : `${absolute}/${ending.replace('/', '')}`;
}

const bytes = (path: string): ByteString => utf8ToByteString(path);

function refuseTerminal(host: Host): void {
  if (host.stdout.isTTY !== true) return;
  throw new UsageError('refusing to write an archive to a terminal', {
    hint: 'pipe it, or name a destination',
    command: 'cp',
  });
}
