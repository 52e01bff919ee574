import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from '../../fuzz/project.ts';
import { madePages } from './made-pages.ts';

/** Writes the pages that are made of the source. @returns the exit code */
export async function run(): Promise<number> {
  for (const [path, text] of await madePages(PROJECT)) writeFileSync(join(PROJECT, path), text);
  return 0;
}
