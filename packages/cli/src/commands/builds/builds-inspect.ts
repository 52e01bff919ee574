import { Store, timelineOf } from '@tsbuild/builder';
import { findBuild, ONE_BUILD } from '../../builds/find-build.ts';
import { inspectText } from '../../builds/inspect-text.ts';
import { defineCommand } from '../../grammar/command.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { sanitizeText } from '../../output/sanitize.ts';

/** `tsbuild builds inspect`: what a build did, what took so long, and why each step ran. */
export const buildsInspectCommand = defineCommand({
  name: 'builds inspect',
  synopsis: '[BUILD]',
  summary: 'Show a build: the slowest steps, the critical path, and why each step ran',
  options: {
    format: { kind: 'value', placeholder: 'FORMAT', describe: 'Output format', choices: ['text', 'json'] },
  },
  operands: { min: 0, max: 1, what: ONE_BUILD },
  examples: [
    ['tsbuild builds inspect', 'The last build'],
    ['tsbuild builds inspect my-app^1', 'The last build but one of an image'],
    ['tsbuild builds inspect --format json my-app', 'The record and its timeline, for programs'],
  ],
  async run({ options, operands: [text = 'last'], settings }, host) {
    const record = await findBuild(text, await Store.open(settings.root));
    if (options.format === 'json') {
      const { origins: _origins, ...shown } = record;
      const document = { ...shown, timeline: timelineOf(record) };
      host.stdout.write(`${sanitizeText(JSON.stringify(document, undefined, 2))}\n`);
    } else {
      const width = host.stdout.isTTY === true ? host.stdout.columns : undefined;
      host.stdout.write(inspectText(record, { width, now: host.now() }));
    }
    return EXIT_OK;
  },
});
