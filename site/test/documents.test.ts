import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT } from '../../fuzz/project.ts';
import { scratchFolders } from '../../packages/oci/testing/scratch.ts';
import { MarkdownDocument } from '../document/document.ts';
import { markdownFiles } from '../document/files.ts';
import { documentProblems } from '../document/links.ts';
import { madePages } from '../reference/made-pages.ts';
import { allPages } from '../site-map.ts';
import { Slugger } from '../slug.ts';

const folder = scratchFolders();
const files = markdownFiles(PROJECT);

/** The TypeScript files below a directory. */
function sources(directory: string): readonly string[] {
  return readdirSync(join(PROJECT, directory), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(?:ts|mjs)$/.test(path))
    .map((path) => join(directory, path));
}

describe('the Markdown files', () => {
  it('link only to files and headings that exist, and hold no HTML', () => {
    expect(files).toContain('docs/build.md');
    expect(
      documentProblems(
        PROJECT,
        files.map((path) => MarkdownDocument.read(PROJECT, path)),
      ),
    ).toEqual([]);
  });

  it('are all in the sidebar, each once', () => {
    expect(
      allPages()
        .map(({ path }) => path)
        .toSorted(),
    ).toEqual(files);
  });

  it('are there where help and comments name one', () => {
    const paths = [...sources('packages/cli/src'), ...sources('packages/builder/src'), ...sources('packages/oci/src')];
    const missing = paths.flatMap((path) =>
      [...readFileSync(join(PROJECT, path), 'utf8').matchAll(/(?<![\w/-])docs\/[\w/-]+\.md\b/g)]
        .filter(([page]) => !existsSync(join(PROJECT, page)))
        .map(([page]) => `${path}: ${page}`),
    );
    expect(missing).toEqual([]);
  });

  it('that are made of the source are up to date: npm run reference', async () => {
    for (const [path, text] of await madePages(PROJECT))
      expect(readFileSync(join(PROJECT, path), 'utf8'), path).toBe(text);
  });
});

describe('a link that leads nowhere', () => {
  it('is told with its file, its line and the reason', () => {
    const project = folder();
    mkdirSync(join(project, 'docs'));
    writeFileSync(join(project, 'a.ts'), '');
    const texts = {
      'README.md':
        '# A\n\nText [one](docs/b.md#there),\n[two](docs/b.md#nowhere) and\n[three][ref].\n\n[ref]: docs/no.md\n',
      'docs/b.md':
        '# B\n\n## There\n\n| a |\n| - |\n| b |\n| [c](../../out.md) |\n\n[a](../a.ts#L1) <b>x</b> [self](#there-1) [web](https://no.example/x)\n',
    };
    for (const [path, text] of Object.entries(texts)) writeFileSync(join(project, path), text);
    expect(
      documentProblems(
        project,
        ['README.md', 'docs/b.md'].map((path) => MarkdownDocument.read(project, path)),
      ),
    ).toEqual([
      'README.md:4: docs/b.md#nowhere: docs/b.md has no heading #nowhere',
      'README.md:5: docs/no.md: there is no docs/no.md',
      'docs/b.md:10: <b> is read as HTML: write it as code',
      'docs/b.md:10: </b> is read as HTML: write it as code',
      'docs/b.md:8: ../../out.md: leads out of the repository',
      'docs/b.md:10: ../a.ts#L1: a.ts is no document with headings',
      'docs/b.md:10: #there-1: docs/b.md has no heading #there-1',
    ]);
  });
});

// As GitHub shows them in its own pages.
it.each([
  ['What makes an image large', 'what-makes-an-image-large'],
  ['Keys of -o', 'keys-of--o'],
  ["tsbuild's own rules", 'tsbuilds-own-rules'],
  ['`--watch`: RUN, and more…', '--watch-run-and-more'],
  ['Größe & Maß', 'größe--maß'],
  ['snake_case', 'snake_case'],
])('the heading %j has the anchor %s', (heading, slug) => {
  expect(new Slugger().slug(heading)).toBe(slug);
});

it('headings of the same name have anchors of their own', () => {
  const slugger = new Slugger();
  expect(['A', 'A', 'A-1', 'a'].map((heading) => slugger.slug(heading))).toEqual(['a', 'a-1', 'a-1-1', 'a-2']);
});
