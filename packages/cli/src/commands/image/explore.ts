import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { layersOfImage, Store } from '@tsbuild/builder';
import { type Sink, streamSink, writeOutputFile } from '@tsbuild/oci/internal';
import { buildTimeline } from '../../explore/build-timeline.ts';
import { gatherEntries } from '../../explore/gather-entries.ts';
import { imageComparison } from '../../explore/image-comparison.ts';
import { type ExploredImage, imageSummary } from '../../explore/image-summary.ts';
import { type PageContent, pageContent } from '../../explore/page-content.ts';
import { pageFile, pageParts } from '../../explore/page-html.ts';
import { pageProgram } from '../../explore/page-program.ts';
import { servePage } from '../../explore/serve-page.ts';
import { defineCommand } from '../../grammar/command.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import type { Host } from '../../host/host.ts';
import { UsageError } from '../../host/usage-error.ts';
import { humanSize } from '../../output/human.ts';
import { sanitizeName } from '../../output/sanitize.ts';
import { platformOption } from '../../store/find-image.ts';
import { ANY_IMAGE, withAnyImage } from './any-image.ts';

/** `tsbuild explore`: an image as a page to look at. */
export const exploreCommand = defineCommand({
  name: 'explore',
  synopsis: 'IMAGE',
  summary: 'Show an image as a web page: layers, files, waste, its build',
  options: {
    output: {
      kind: 'value',
      short: 'o',
      placeholder: 'FILE|DIR/',
      describe:
        'Write one page, or into a directory a page that needs no inline script; it holds all names, history and config, but no content; secrets are masked',
    },
    serve: {
      kind: 'value',
      bare: '0',
      placeholder: 'PORT',
      describe: 'Serve the page on 127.0.0.1 until Ctrl-C, on any free port unless told (default on a terminal)',
    },
    compare: { kind: 'value', placeholder: 'OTHER', describe: 'Show also what changed since another image' },
    platform: platformOption,
  },
  operands: { min: 1, max: 1, what: ANY_IMAGE },
  examples: [
    ['tsbuild explore my-app', 'Print the address of a page with everything about my-app'],
    ['tsbuild explore -o my-app.html my-app', 'The same as one file, which needs no network and no server'],
    ['tsbuild explore -o report/ my-app', 'For servers that forbid inline scripts, such as Jenkins'],
    ['tsbuild explore --compare my-app:1 -o diff.html my-app:2', 'And what the second image changed'],
  ],
  async run({ options, operands: [name = ''], settings }, host) {
    const place = placeOf(options, host);
    const search = { store: await Store.open(settings.root), platform: options.platform };
    const read = (text: string): Promise<ExploredImage> =>
      withAnyImage(text, search, host, async ({ image, bring }) => ({
        name: text,
        image,
        found: await layersOfImage(image, search.store, {
          signal: host.signal,
          ...(bring !== undefined && { bring }),
        }),
      }));
    const explored = await read(name);
    const other = options.compare === undefined ? undefined : await read(options.compare);
    const build = await buildTimeline(explored.image, search.store, host.signal);
    const comparison = other === undefined ? undefined : await imageComparison(other, explored, host.signal);
    const summary = {
      ...imageSummary(explored, host.now()),
      ...(build !== undefined && { build }),
      ...(comparison !== undefined && { comparison }),
    };
    await deliver(place, pageContent(summary, gatherEntries(explored.found)), host);
    return EXIT_OK;
  },
});

/** Where the page goes. */
type Place =
  | { readonly kind: 'file' | 'directory'; readonly path: string }
  | { readonly kind: 'stdout' }
  | { readonly kind: 'port'; readonly port: number };

/** @throws UsageError for two places, none, and what is no port */
function placeOf(
  { output, serve }: { readonly output: string | undefined; readonly serve: string | undefined },
  { cwd, stdout }: Pick<Host, 'cwd' | 'stdout'>,
): Place {
  const usage = (message: string): UsageError => new UsageError(message, { command: 'explore' });
  if (output !== undefined && serve !== undefined) throw usage('--output and --serve cannot be combined');
  if (output === '') throw usage('the file name of --output is empty');
  if (output === '-') return { kind: 'stdout' };
  if (output !== undefined) return { kind: output.endsWith('/') ? 'directory' : 'file', path: resolve(cwd, output) };
  if (serve === undefined && stdout.isTTY !== true) {
    throw usage('say where the page is to go: -o page.html, -o DIR/, or --serve');
  }
  const port = serve ?? '0';
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw usage(`--serve ${JSON.stringify(port)} is no port from 1 to 65535`);
  }
  return { kind: 'port', port: Number(port) };
}

async function deliver(place: Place, content: PageContent, host: Host): Promise<void> {
  const program = pageProgram();
  switch (place.kind) {
    case 'stdout':
      return streamSink(host.stdout, host.signal)(Buffer.from(pageFile(content, program)));
    case 'file': {
      const page = Buffer.from(pageFile(content, program));
      await writeOutputFile(place.path, (sink: Sink) => sink(page), host.signal);
      host.stderr.write(`${sanitizeName(place.path)}: ${humanSize(page.length)}\n`);
      return;
    }
    case 'directory': {
      await mkdir(place.path, { recursive: true });
      // The page comes last: where it is, its parts are.
      for (const [name, text] of Object.entries(pageParts(content, program)).toReversed()) {
        await writeOutputFile(join(place.path, name), (sink: Sink) => sink(Buffer.from(text)), host.signal);
      }
      host.stderr.write(`${sanitizeName(join(place.path, 'index.html'))}\n`);
      return;
    }
    case 'port': {
      await using served = await servePage(pageParts(content, program), place.port);
      host.stdout.write(`${served.url}\n`);
      host.stderr.write('Serving until Ctrl-C.\n');
      await aborted(host.signal);
    }
  }
}

/** Ctrl-C is how a server is meant to end: no failure. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
}
