import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { exportCacheMount, importCacheMount, needsUserNamespace, runInUserNamespace, Store } from '@tsbuild/builder';
import { archiveOption, archiveOutput } from '../../output/archive-output.ts';
import { defineCommand } from '../../grammar/command.ts';
import { UsageError } from '../../host/usage-error.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import type { Host } from '../../host/host.ts';
import { sanitizeName } from '../../output/sanitize.ts';

const namespaceOption = {
  kind: 'value',
  placeholder: 'NAME',
  describe: 'The BUILDKIT_CACHE_MOUNT_NS that the builds are given',
} as const;
const operands = { min: 1, max: 1, what: "one ID, a mount's id= or its target" } as const;

/** `tsbuild cache export-mount`: what RUN has put into a cache mount, to be kept between the machines of a CI. */
export const exportMountCommand = defineCommand({
  name: 'cache export-mount',
  synopsis: 'ID',
  summary: 'Write the content of a cache mount as a tar archive',
  options: {
    output: archiveOption,
    namespace: namespaceOption,
  },
  operands,
  examples: [
    ['tsbuild cache export-mount /root/.npm -o npm.tar', 'The cache of RUN --mount=type=cache,target=/root/.npm'],
    ['tsbuild cache export-mount apt | zstd >apt.tar.zst', 'The cache apt, compressed'],
  ],
  async run({ options, operands: [id = ''], settings }, host) {
    const output = archiveOutput(options.output, 'cache export-mount', host);
    // The files belong to ids that an ordinary user has in a user namespace only.
    if (needsUserNamespace()) return runInUserNamespace(host.commandLine, (text) => warn(text, host));
    const store = await Store.open(settings.root);
    const name = { id, ...(options.namespace === undefined ? {} : { namespace: options.namespace }) };
    await output((sink) => exportCacheMount(name, store, sink, host.signal));
    return EXIT_OK;
  },
});

/** `tsbuild cache import-mount`: the way back. */
export const importMountCommand = defineCommand({
  name: 'cache import-mount',
  synopsis: 'ID',
  summary: 'Put the content of a tar archive into a cache mount',
  options: {
    input: { kind: 'value', short: 'i', placeholder: 'FILE', describe: 'Read this file instead of standard input' },
    namespace: namespaceOption,
  },
  operands,
  examples: [
    ['tsbuild cache import-mount /root/.npm -i npm.tar', 'Before the build that mounts it; gzip and zstd are fine too'],
  ],
  async run({ options, operands: [id = ''], settings }, host) {
    const path = options.input === '-' ? undefined : options.input;
    if (path === undefined && host.stdin.isTTY === true) {
      throw new UsageError('cannot read the archive from standard input: it is a terminal', {
        hint: 'use -i FILE, or pipe it',
        command: 'cache import-mount',
      });
    }
    if (needsUserNamespace()) return runInUserNamespace(host.commandLine, (text) => warn(text, host));
    const store = await Store.open(settings.root);
    const name = { id, ...(options.namespace === undefined ? {} : { namespace: options.namespace }) };
    const archive = path === undefined ? host.stdin : (await open(resolve(host.cwd, path))).createReadStream();
    await importCacheMount(name, archive as AsyncIterable<Uint8Array>, store, host.signal);
    return EXIT_OK;
  },
});

function warn(text: string, host: Host): void {
  host.stderr.write(`WARNING: ${sanitizeName(text)}\n`);
}
