import { compareBuilds, Store } from '@tsbuild/builder';
import { comparisonText } from '../../builds/comparison-text.ts';
import { findBuild, ONE_BUILD } from '../../builds/find-build.ts';
import { defineCommand } from '../../grammar/command.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { sanitizeText } from '../../output/sanitize.ts';

/** `tsbuild builds compare`: where two builds parted, and why. */
export const buildsCompareCommand = defineCommand({
  name: 'builds compare',
  synopsis: '[BUILD [BUILD]]',
  summary: 'Compare two builds: the first step that differs and why, with states, times and sizes',
  options: {
    format: { kind: 'value', placeholder: 'FORMAT', describe: 'Output format', choices: ['text', 'json'] },
  },
  operands: {
    min: 0,
    max: 2,
    what: `${ONE_BUILD}; a single one is compared with the one before it`,
  },
  examples: [
    ['tsbuild builds compare my-app', 'The last two builds of an image'],
    ['tsbuild builds compare my-app^3 my-app', 'An earlier one with the last'],
    ['tsbuild builds compare my-app:1.0 my-app:1.1', 'The last builds of two images'],
  ],
  async run({ options, operands: [first = 'last', second], settings }, host) {
    const store = await Store.open(settings.root);
    const after = await findBuild(second ?? first, store);
    // The one before the last is of another image, perhaps.
    const before = await findBuild(second === undefined ? `${after.id}^` : first, store);
    const comparison = await compareBuilds(before, after, store.records);
    if (options.format === 'json') {
      const [{ origins: _a, ...old }, { origins: _b, ...now }] = [before, after];
      const document = { ...comparison, before: old, after: now };
      host.stdout.write(`${sanitizeText(JSON.stringify(document, undefined, 2))}\n`);
    } else {
      const width = host.stdout.isTTY === true ? host.stdout.columns : undefined;
      host.stdout.write(comparisonText(comparison, { width, now: host.now() }));
    }
    return EXIT_OK;
  },
});
