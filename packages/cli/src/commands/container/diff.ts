import { ContainerStore, listChanges, Store } from '@tsbuild/builder';
import { byteStringToUtf8 } from '@tsbuild/oci/node';
import { defineCommand } from '../../grammar/command.ts';
import { inUserNamespace } from '../../container/program.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { sanitizeText } from '../../output/sanitize.ts';

/** `tsbuild diff`: what a container changed beside its image. */
export const diffCommand = defineCommand({
  name: 'diff',
  synopsis: 'CONTAINER',
  summary: 'List the files that a container added (A), changed (C) and deleted (D)',
  options: {},
  operands: { min: 1, max: 1, what: 'one CONTAINER' },
  examples: [['tsbuild diff base-container', 'What commit would put into a layer']],
  async run({ operands, settings }, host) {
    const inside = await inUserNamespace(host);
    if (inside !== undefined) return inside;
    const store = await Store.open(settings.root);
    const container = new ContainerStore(settings.root).find(operands[0] ?? '');
    const changes = await listChanges(container, store, host.signal);
    host.stdout.write(changes.map(({ kind, path }) => `${kind} /${sanitizeText(byteStringToUtf8(path))}\n`).join(''));
    return EXIT_OK;
  },
});
