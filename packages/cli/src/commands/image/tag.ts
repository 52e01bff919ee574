import { defineCommand } from '../../grammar/command.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { openLayout } from '../../store/open-layout.ts';

/** `tsbuild tag`: another name for an image; a name that was another image's moves. */
export const tagCommand = defineCommand({
  name: 'tag',
  synopsis: 'IMAGE NAME[:TAG]',
  summary: 'Add a name to an image',
  options: {},
  operands: { min: 2, max: 2, what: 'an IMAGE and a NAME[:TAG]' },
  examples: [['tsbuild tag my-app ghcr.io/me/my-app:1.2', 'A second name for my-app']],
  async run({ operands, settings }) {
    const [source = '', target = ''] = operands;
    await (await openLayout(settings.root)).tag(source, target);
    return EXIT_OK;
  },
});
