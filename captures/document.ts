import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from '../fuzz/project.ts';

/** The document that holds the screens. */
export const DOCUMENT = join(PROJECT, 'docs/progress.md');

const BLOCK = /^```text\n([^]*?)\n?^```$/gm;

/** The screens below a heading. */
export function screensOf(document: string, title: string): readonly string[] {
  const { section } = cut(document, title);
  return [...section.matchAll(BLOCK)].map(([, screen = '']) => screen);
}

/** The document with other screens below a heading; what stands between them stays. */
export function withScreens(document: string, title: string, screens: readonly string[]): string {
  const { before, section, after } = cut(document, title);
  let number = 0;
  const filled = section.replace(BLOCK, () => `\`\`\`text\n${screens[number++] ?? ''}\n\`\`\``);
  if (number !== screens.length) throw new Error(`${title}: ${screens.length} screens for ${number} blocks`);
  return before + filled + after;
}

/** @throws where the document cannot be read */
export function readDocument(): string {
  return readFileSync(DOCUMENT, 'utf8');
}

/** Of a line that was cut the beginning, which is always there. */
const KEPT = 40;

/**
 * A screen without what is another each time: numbers, ages, IDs, how many lines of the same kind there are, and where a line was
 * cut. Two screens of the same scene are then the same.
 */
export function essence(screen: string): readonly string[] {
  const lines = screen.split('\n').map((line) =>
    (line.includes('…') ? line.slice(0, KEPT) : line)
      .replace(/[0-9a-f]{12}/g, 'ID')
      .replace(/just now|(?:about an? \w+|\d+ \w+) ago/gi, 'AGE')
      .replace(/\d+(?:\.\d+)?/g, '0')
      .replace(/=+>\s*/g, '=>')
      .replace(/, saved 0s/g, '')
      .replace(/\s+/g, ' ')
      .trim(),
  );
  return lines.filter((line, i) => line !== lines[i - 1]);
}

function cut(
  document: string,
  title: string,
): { readonly before: string; readonly section: string; readonly after: string } {
  const heading = `\n## ${title}\n`;
  const place = document.indexOf(heading);
  if (place < 0) throw new Error(`docs/progress.md has no heading ${title}`);
  const start = place + heading.length;
  const end = document.indexOf('\n## ', start);
  const stop = end < 0 ? document.length : end;
  return { before: document.slice(0, start), section: document.slice(start, stop), after: document.slice(stop) };
}
