import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PROJECT } from '../fuzz/project.ts';
import { buildSite, writeSite } from './build-site.ts';

/** Makes the site in a directory. @returns the exit code: 1 where a link is broken, with every place */
export async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options: { out: { type: 'string' } } });
  const directory = resolve(values.out ?? join(PROJECT, 'dist-site'));
  const site = buildSite(PROJECT);
  if (site.problems.length > 0) {
    process.stderr.write(`${site.problems.join('\n')}\n`);
    return 1;
  }
  if (values.out !== undefined && existsSync(directory) && !existsSync(join(directory, 'assets/site.css'))) {
    process.stderr.write(`${directory} exists and holds no site: name a new directory\n`);
    return 1;
  }
  writeSite(PROJECT, directory, site);
  process.stdout.write(`${site.files.size - 1} pages in ${directory}: open index.html\n`);
  return 0;
}
