import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromArchive } from '@tsbuild/oci/node';
import { expect, it } from 'vitest';
import { bundle } from '../testing/bundle.ts';
import { filesOf } from '../testing/exporter-contract.ts';

const PROJECT = join(import.meta.dirname, '../../..');
const EXAMPLES = join(PROJECT, 'examples/builder');

it('the README shows every example, and no other', () => {
  const readme = readFileSync(join(PROJECT, 'packages/builder/README.md'), 'utf8');
  const shown = [...readme.matchAll(/examples\/builder\/([\w-]+\.mjs)/g)].map(([, name]) => name);
  expect([...new Set(shown)].toSorted()).toEqual(readdirSync(EXAMPLES).toSorted());
});

it('01 builds, and exports to a directory and to an archive', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tsbuild-example-'));
  // On the sources, whatever dist holds.
  const program = join(directory, '01-build-and-export.mjs');
  bundle(join(EXAMPLES, '01-build-and-export.mjs'), program);
  const context = join(directory, 'context');
  mkdirSync(context);
  writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nCOPY a /srv/a\n');
  writeFileSync(join(context, 'a'), 'one');
  const [files, archive] = [join(directory, 'files'), join(directory, 'image.tar')];
  const env = { ...process.env, TSBUILD_ROOT: join(directory, 'store') };
  const id = execFileSync(process.execPath, [program, context, 'app:1', files, archive], { env, encoding: 'utf8' });
  expect(readFileSync(join(files, 'srv/a'), 'utf8')).toBe('one');
  const image = await fromArchive(archive, { name: 'app:1' });
  expect(image.manifest.config.digest).toBe(id.trim());
  expect(await filesOf(image)).toEqual(['srv/a=one']);
});
