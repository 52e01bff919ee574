import { resolve } from 'node:path';
import { Store } from '@tsbuild/builder';
import { writeOutputFile } from '@tsbuild/oci/internal';
import { chromeTrace } from '../../builds/chrome-trace.ts';
import { findBuild, ONE_BUILD } from '../../builds/find-build.ts';
import { otlpDocument } from '../../builds/otlp-document.ts';
import { traceSettings } from '../../builds/trace-settings.ts';
import { defineCommand } from '../../grammar/command.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { sanitizeText } from '../../output/sanitize.ts';

/** `tsbuild builds trace`: a build for the viewers of traces. */
export const buildsTraceCommand = defineCommand({
  name: 'builds trace',
  synopsis: '[BUILD]',
  summary: 'Write a build as a trace for ui.perfetto.dev, chrome://tracing or speedscope',
  options: {
    output: { kind: 'value', short: 'o', placeholder: 'FILE', describe: 'Write to a file (default: standard output)' },
    format: {
      kind: 'value',
      placeholder: 'FORMAT',
      describe: 'chrome, or otlp (OpenTelemetry, as JSON)',
      choices: ['chrome', 'otlp'],
    },
  },
  operands: { min: 0, max: 1, what: ONE_BUILD },
  examples: [
    ['tsbuild builds trace -o trace.json', 'The last build; open it at ui.perfetto.dev, which keeps it in the browser'],
    ['tsbuild builds trace --format otlp my-app', 'For a collector'],
  ],
  async run({ options, operands: [text = 'last'], settings }, host) {
    const record = await findBuild(text, await Store.open(settings.root));
    const document = options.format === 'otlp' ? otlpDocument(record, traceSettings(host.env)) : chromeTrace(record);
    const json = `${sanitizeText(JSON.stringify(document))}\n`;
    if (options.output === undefined || options.output === '-') host.stdout.write(json);
    else await writeOutputFile(resolve(host.cwd, options.output), (sink) => sink(Buffer.from(json)), host.signal);
    return EXIT_OK;
  },
});
