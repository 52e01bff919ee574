import { readFileSync } from 'node:fs';

/** What runs in the browser, the same for every image. */
export interface PageProgram {
  readonly script: string;
  readonly style: string;
}

/** Reads the page's program, a file beside the bundle: only those who make a page load it. */
export function pageProgram(): PageProgram {
  return JSON.parse(readFileSync(new URL('./explorer.json', import.meta.url), 'utf8')) as PageProgram;
}
