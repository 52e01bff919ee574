import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Directories whose Markdown is not ours, or is made. */
const FOREIGN = new Set(['node_modules', 'dist', '.git', '.tsbuild', '.turbo', 'dist-site', 'fixtures/real-world']);

/** The path of every Markdown file of the project, sorted by bytes. */
export function markdownFiles(project: string, under = ''): readonly string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(project, under), { withFileTypes: true })) {
    const path = under === '' ? entry.name : `${under}/${entry.name}`;
    if (FOREIGN.has(entry.name) || FOREIGN.has(path)) continue;
    if (entry.isDirectory()) found.push(...markdownFiles(project, path));
    else if (entry.isFile() && entry.name.endsWith('.md')) found.push(path);
  }
  return found.toSorted();
}
