import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type BuildOptions, Store, build, silentReporter } from '@tsbuild/builder';
import { type StoredImage, importRootfs, parseReference } from '@tsbuild/oci/node';
import { defineCommand } from '../../grammar/command.ts';
import { UsageError, notSupportedYet } from '../../host/usage-error.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import type { Host } from '../../host/host.ts';
import { untilAborted } from '../../host/until-aborted.ts';

/** Instructions that change nothing but the config; the same as docker's. */
const CHANGES = /^\s*(?:CMD|ENTRYPOINT|ENV|EXPOSE|HEALTHCHECK|LABEL|ONBUILD|STOPSIGNAL|USER|VOLUME|WORKDIR)\s/i;

/** `tsbuild import`: a root filesystem becomes an image of one layer. */
export const importCommand = defineCommand({
  name: 'import',
  synopsis: 'FILE|- [NAME[:TAG]]',
  summary: 'Create an image from a root filesystem in a tar archive, also gzipped',
  options: {
    change: {
      kind: 'list',
      short: 'c',
      placeholder: 'INSTRUCTION',
      describe: 'Apply a Dockerfile instruction, e.g. \'CMD ["sh"]\'',
    },
    message: { kind: 'value', short: 'm', placeholder: 'TEXT', describe: 'The comment in the history' },
    platform: { kind: 'value', placeholder: 'OS/ARCH', describe: 'What the files run on', later: true },
  },
  operands: { min: 1, max: 2, what: 'a FILE (or - for standard input), and a NAME for the image if you like' },
  examples: [
    ['tsbuild import rootfs.tar.gz my-base', 'Make a base image'],
    ["mmdebstrap bookworm | tsbuild import -c 'CMD bash' - debian", 'One from another program'],
  ],
  async run({ options, operands, settings }, host) {
    const [source = '', name] = operands;
    if (/^https?:\/\//.test(source)) throw notSupportedYet(`import from a URL, ${source}`, 'import');
    if (source === '-' && host.stdin.isTTY === true) {
      throw new UsageError('cannot read the archive from standard input: it is a terminal', { command: 'import' });
    }
    for (const change of options.change) checkChange(change);
    const reference = name === undefined ? undefined : parseReference(name);
    const store = await Store.open(settings.root);
    const message = options.message;
    const changed = options.change.length > 0;
    const imported = await untilAborted(
      importRootfs(source === '-' ? host.stdin : resolve(host.cwd, source), store.layout, {
        ...(message === undefined ? {} : { message }),
        ...(reference === undefined || changed ? {} : { reference }),
      }),
      host.signal,
    );
    const image = changed ? await withChanges(imported, options.change, { name, store, host }) : imported;
    host.stdout.write(`${image.id}\n`);
    return EXIT_OK;
  },
});

function checkChange(change: string): void {
  if (CHANGES.test(change)) return;
  throw new UsageError(`invalid --change ${JSON.stringify(change)}`, {
    hint: 'CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME and WORKDIR can be changed',
    command: 'import',
  });
}

/** The language of the changes is the Dockerfile's: the builder applies them on top of the image, which then goes. */
async function withChanges(
  base: StoredImage,
  changes: readonly string[],
  target: { readonly name: string | undefined; readonly store: Store; readonly host: Host },
): Promise<StoredImage> {
  const { name, store, host } = target;
  const temporary = await mkdtemp(join(tmpdir(), 'tsbuild-import-'));
  try {
    const dockerfile = join(temporary, 'Dockerfile');
    await writeFile(dockerfile, [`FROM ${base.id}`, ...changes, ''].join('\n'));
    const context = join(temporary, 'context');
    await mkdir(context);
    const options: BuildOptions = {
      context,
      dockerfile,
      tags: name === undefined ? [] : [name],
      buildArgs: new Map(),
      environment: {},
      pull: false,
      registry: {},
      noCache: false,
      network: 'none',
      isolation: 'auto',
      labels: new Map(),
    };
    return (await build(options, store, silentReporter, host.signal)).image;
  } finally {
    await store.layout.remove(base.id);
    await rm(temporary, { recursive: true, force: true });
  }
}
