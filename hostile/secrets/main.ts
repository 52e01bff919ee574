import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installCli } from '../../test/support/install-cli.ts';
import { blindness, search } from './search.ts';
import type { Hit } from './search.ts';
import { tell } from './story.ts';

/** Runs the command. @returns the exit code: 0 when every secret was used and none was found anywhere */
export async function run(argv: readonly string[]): Promise<number> {
  if (argv.length > 0)
    return (
      show(
        'npm run secrets\nUses thirteen secrets in a pull, builds and pushes, and searches for them in all that was made.\n',
      ) + 2
    );
  const folder = mkdtempSync(join(tmpdir(), 'tsbuild-secrets-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  const cli = join(folder, 'bin/dist/main.js');
  await installCli(cli);
  const { canaries, made, failures } = await tell(cli, folder);
  const { hits, files } = search(made, canaries.values);
  for (const name of canaries.values.keys()) show(`${describe(hits, name).padEnd(9)} ${name}\n`);
  for (const { name, encoding, path } of hits.slice(0, 50))
    show(`FOUND: ${name} (${encoding}) in ${path.replace(made, '')}\n`);
  for (const failure of failures) show(`FAILED: ${failure}\n`);
  for (const name of canaries.unused) show(`UNUSED: ${name}: nothing is proven for it\n`);
  const blind = blindness(join(folder, 'planted'));
  for (const encoding of blind) show(`BLIND: the search does not find ${encoding}\n`);
  show(
    `\n${hits.length} hits of ${canaries.values.size} secrets in ${files} files: blobs, records, logs, pushes, temporary files\n`,
  );
  return hits.length + failures.length + canaries.unused.length + blind.length === 0 ? 0 : 1;
}

function describe(hits: readonly Hit[], name: string): string {
  const count = hits.filter((hit) => hit.name === name).length;
  return count === 0 ? 'no hit' : `${count} HITS`;
}

function show(text: string): number {
  process.stdout.write(text);
  return 0;
}
