import { defineCommand } from '../command.ts';
import { EXIT_FAILED, EXIT_OK } from '../exit-code.ts';
import { LayerSizes, openLayout } from '../open-layout.ts';
import { imageDocument } from '../output/image-document.ts';
import { sanitizeText } from '../output/sanitize.ts';
import { compileTemplate } from '../output/template.ts';
import { reportError } from '../report-error.ts';

/** `tsbuild inspect`: the documents of images as one JSON array, those that were found even when others were not. */
export const inspectCommand = defineCommand({
  name: 'inspect',
  synopsis: 'IMAGE [IMAGE…]',
  summary: 'Show everything that is known of images, as JSON',
  options: {
    format: {
      kind: 'value',
      short: 'f',
      placeholder: 'FORMAT',
      describe: 'json, or a template: {{.Id}}, {{json .Config.Env}}',
    },
    type: { kind: 'value', placeholder: 'TYPE', describe: "What to inspect (for docker's sake)", choices: ['image'] },
    size: { kind: 'flag', short: 's', describe: 'Show sizes', later: true },
    platform: {
      kind: 'value',
      placeholder: 'OS/ARCH',
      describe: 'Which platform of a multi-platform image',
      later: true,
    },
  },
  operands: { min: 1, max: Number.POSITIVE_INFINITY, what: 'one IMAGE or more' },
  examples: [
    ['tsbuild inspect my-app', 'The whole document'],
    ["tsbuild inspect -f '{{.Id}}' my-app other", 'Two image IDs'],
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
        const image = await layout.find(name);
        if (image !== undefined) documents.push(imageDocument(image, await sizes.sum(image.layers)));
        else host.stderr.write(`Error: No such image: ${sanitizeText(name)}\n`);
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
