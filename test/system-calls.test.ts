import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { lab, without } from './support/lab.ts';
import { output } from './support/process.ts';
import { scratch, type Tsbuild, tsbuild } from './support/tsbuild.ts';

/** Enough for the thread that reads ahead. */
const FILES = 1600;

/** Builds under strace; the paths that were opened for reading, in order, by any of its processes and threads. */
async function opened(builder: Tsbuild, context: string, ...flags: string[]): Promise<string[]> {
  const log = `${builder.store}.strace`;
  const command = [process.execPath, lab.cli, 'build', '-q', ...flags, context];
  const env = { TSBUILD_ROOT: builder.store, HOME: `${builder.store}.home` };
  await output('strace', ['-f', '-e', 'trace=open,openat', '-o', log, ...command], { env });
  const lines = (await readFile(log, 'latin1')).split('\n');
  return lines.flatMap((line) => {
    // A call that another thread interrupts is told in two lines; the first of them has the path.
    const [, path, rest = ''] = /open(?:at)?\([^"]*"([^"]*)"(.*)/.exec(line) ?? [];
    return path === undefined || rest.includes('ENOENT') || rest.includes('O_DIRECTORY') ? [] : [path];
  });
}

describe.skipIf(without('strace'))('what a build opens (needs strace)', () => {
  let builder: Tsbuild;
  let context: string;
  const filesOf = (paths: readonly string[]) => paths.filter((path) => path.startsWith(`${context}/files/`)).toSorted();
  let expected: string[];
  beforeAll(async () => {
    builder = await tsbuild();
    context = await scratch();
    await mkdir(join(context, 'files'));
    expected = Array.from({ length: FILES }, (_, i) => join(context, 'files', `f${i}`)).toSorted();
    for (const path of expected) await writeFile(path, `content of ${path}`);
    await writeFile(join(context, 'Dockerfile'), 'FROM busybox\nCOPY files /files/\nCMD ["true"]\n');
  });

  it('a cold COPY opens every file once, and of the base unpacks nothing and reads no layer', async () => {
    const paths = await opened(builder, context, '-t', 'opened');
    expect(filesOf(paths)).toEqual(expected);
    const { image } = JSON.parse(
      `{"image":${await builder.output(['inspect', '-f', '{{json .RootFS.Layers}}', 'busybox'])}}`,
    ) as { image: string[] };
    for (const layer of image) {
      expect(paths.filter((path) => path.endsWith(`blobs/sha256/${layer.replace('sha256:', '')}`))).toEqual([]);
    }
    expect(paths.filter((path) => path.includes('/snapshots/'))).toEqual([]);
  });

  it('an unchanged rebuild opens none', async () => {
    expect(filesOf(await opened(builder, context, '-t', 'opened'))).toEqual([]);
  });

  it('a rebuild after one change opens that file alone, to find its digest and to copy it', async () => {
    const changed = join(context, 'files/f7');
    await writeFile(changed, 'changed');
    expect([...new Set(filesOf(await opened(builder, context, '-t', 'opened')))]).toEqual([changed]);
  });
});
