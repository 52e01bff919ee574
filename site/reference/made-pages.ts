import { cliPage } from './cli-page.ts';
import { libraryPage } from './library-page.ts';

/** The pages that nobody writes, by path: a test compares them with the files. */
export async function madePages(project: string): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['docs/cli.md', await cliPage()],
    ['docs/library.md', libraryPage(project)],
  ]);
}
