import { BuildError, type Container, containerDocument, ContainerStore } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { EXIT_FAILED, EXIT_OK } from '../../host/exit-code.ts';
import { findStoredImage, platformOption } from '../../store/find-image.ts';
import { LayerSizes, openLayout } from '../../store/open-layout.ts';
import { asksForAttestations, attestedDocuments } from './attested-documents.ts';
import { imageDocument, manifestsDocument } from '../../output/image-document.ts';
import { sanitizeText } from '../../output/sanitize.ts';
import { compileTemplate } from '../../output/template/template.ts';
import { reportError } from '../../output/report-error.ts';

/** `tsbuild inspect`: the documents of containers and images as one JSON array, those that were found even when others were not. */
export const inspectCommand = defineCommand({
  name: 'inspect',
  synopsis: 'IMAGE|CONTAINER [IMAGE|CONTAINER…]',
  summary: 'Show details of containers and images as JSON',
  options: {
    format: {
      kind: 'value',
      short: 'f',
      placeholder: 'FORMAT',
      describe: 'json, or a template: {{.Id}}, {{json .Config.Env}}',
    },
    type: {
      kind: 'value',
      placeholder: 'TYPE',
      describe: 'Only an image, or only a container',
      choices: ['image', 'container'],
    },
    size: { kind: 'flag', short: 's', describe: 'Show sizes', later: true },
    platform: platformOption,
  },
  operands: { min: 1, max: Number.POSITIVE_INFINITY, what: 'one IMAGE or CONTAINER, or more' },
  examples: [
    ['tsbuild inspect my-app', 'The whole document'],
    ["tsbuild inspect -f '{{.Id}}' my-app other", 'Two image IDs'],
    ["tsbuild inspect -f '{{json .Provenance.SLSA}}' my-app", 'What the image was made from, where it is attested'],
  ],
  async run({ options, operands, settings }, host) {
    const json = options.format === undefined || options.format === 'json';
    const template = json ? undefined : compileTemplate(options.format ?? '', 'inspect');
    const layout = await openLayout(settings.root);
    const sizes = new LayerSizes(layout);
    const documents: unknown[] = [];
    let code = EXIT_OK;
    for (const name of operands) {
      try {
        const container = options.type === 'image' ? undefined : findContainer(name, settings.root);
        if (container !== undefined) {
          documents.push(containerDocument(container));
          continue;
        }
        const image = options.type === 'container' ? undefined : await findStoredImage(name, layout, options, host);
        if (image !== undefined) {
          const index = await layout.index(image);
          const manifests =
            index === undefined ? {} : await manifestsDocument(index, layout.blobs, (layers) => sizes.sum(layers));
          const attested = asksForAttestations(options.format) ? await attestedDocuments(name, layout) : {};
          documents.push({ ...imageDocument(image, await sizes.sum(image.layers)), ...manifests, ...attested });
        } else host.stderr.write(`Error: No such ${options.type ?? 'object'}: ${sanitizeText(name)}\n`);
        if (image === undefined) code = EXIT_FAILED;
      } catch (error) {
        code = await reportError(error, host, settings);
      }
    }
    if (template === undefined)
      host.stdout.write(`${JSON.stringify(documents, null, options.format === 'json' ? 0 : 4)}\n`);
    else host.stdout.write(documents.map((document) => `${template(document)}\n`).join(''));
    return code;
  },
});

function findContainer(name: string, root: string): Container | undefined {
  try {
    return new ContainerStore(root).find(name);
  } catch (error) {
    if (error instanceof BuildError && error.code === 'CONTAINER_NOT_FOUND') return undefined;
    throw error;
  }
}
