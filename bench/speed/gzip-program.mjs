// What the row of gzip measures: this project's own compressor, without a registry around it.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** A program that compresses a file as a push does: with so many blocks at once, 0 for as many as there are cores. */
export function bundleGzip(outfile) {
  buildSync({
    stdin: {
      contents: `import { createReadStream } from 'node:fs';
        import { gzipLayer } from '${join(PROJECT, 'packages/oci/src/compression/gzip.ts')}';
        const [file, parallel] = process.argv.slice(2);
        const source = createReadStream(file, { highWaterMark: 1 << 20 });
        for await (const _ of gzipLayer(source, parallel === '0' ? {} : { parallel: Number(parallel) }));`,
      resolveDir: PROJECT,
    },
    outfile,
    bundle: true,
    target: 'node20',
    platform: 'node',
    format: 'esm',
  });
}
