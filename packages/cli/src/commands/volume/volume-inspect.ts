import { BuildError, type Volume, VolumeStore } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { EXIT_FAILED, EXIT_OK } from '../../host/exit-code.ts';
import { sanitizeText } from '../../output/sanitize.ts';
import { compileTemplate } from '../../output/template/template.ts';
import { volumeDocument } from '../../output/volume-document.ts';

/** `tsbuild volume inspect`: the documents of volumes as one JSON array, those that were found even when others were not. */
export const volumeInspectCommand = defineCommand({
  name: 'volume inspect',
  synopsis: 'VOLUME [VOLUME…]',
  summary: 'Show details of volumes as JSON',
  options: {
    format: { kind: 'value', short: 'f', placeholder: 'FORMAT', describe: 'json, or a template: {{.Mountpoint}}' },
  },
  operands: { min: 1, max: Number.POSITIVE_INFINITY, what: 'one VOLUME or more' },
  examples: [["tsbuild volume inspect -f '{{.Mountpoint}}' data", 'Where its files are']],
  async run({ options: { format }, operands, settings }, host) {
    const template = format === undefined || format === 'json' ? undefined : compileTemplate(format, 'volume inspect');
    const volumes = new VolumeStore(settings.root);
    const found = operands.map((name) => find(volumes, name));
    const documents = found.flatMap((volume) => (volume === undefined ? [] : [volumeDocument(volume)]));
    if (template === undefined) {
      host.stdout.write(`${JSON.stringify(documents, null, format === 'json' ? 0 : 4)}\n`);
    } else host.stdout.write(documents.map((document) => `${template(document)}\n`).join(''));
    const missing = operands.filter((_, i) => found[i] === undefined);
    for (const name of missing) host.stderr.write(`Error: No such volume: ${sanitizeText(name)}\n`);
    return missing.length > 0 ? EXIT_FAILED : EXIT_OK;
  },
});

function find(volumes: VolumeStore, name: string): Volume | undefined {
  try {
    return volumes.find(name);
  } catch (error) {
    if (error instanceof BuildError && error.code === 'VOLUME_NOT_FOUND') return undefined;
    throw error;
  }
}
