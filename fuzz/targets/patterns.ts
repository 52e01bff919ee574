import { matchGlob } from '../../packages/builder/src/context/glob.ts';
import { parseIgnoreFile } from '../../packages/builder/src/context/ignore-file.ts';
import { compileName, matchesName, PatternSyntaxError } from '../../packages/builder/src/context/name-pattern.ts';
import { resolveLinks } from '../../packages/builder/src/context/resolve-links.ts';
import type { SourceEntry, SourceTree } from '../../packages/builder/src/context/source-tree.ts';
import { PLAIN_ENTRY } from '../../packages/oci/testing/plain-entry.ts';
import { Data, dataSeeds } from '../data.ts';
import { mutateBytes } from '../mutate/bytes.ts';
import { mutateText } from '../mutate/text.ts';
import { fixtureIgnoreFiles } from '../project.ts';
import { patternSeeds } from '../seeds/words.ts';
import { mustHold, pureTarget } from '../target.ts';
import { pathOf, treeOf, walked } from './resolve.ts';

const WORDS = [
  '*',
  '**',
  '**/',
  '?',
  '[',
  ']',
  '[^',
  '[a-z]',
  '\\',
  '!',
  '/',
  './',
  '../',
  '#',
  ' ',
  '\t',
  '\r\n',
  'a',
  '\xff',
];
const PATHS = [
  'a',
  'b',
  'foo',
  'foo/bar',
  'a/b/c',
  'x/y/z/foo.txt',
  '.git/config',
  '\xff',
  'a*b',
  '[x]',
  `${'d/'.repeat(12)}x`,
];

/** Ignore files: a verdict for any path, the same from the walk and from the question. */
export const ignoreFile = pureTarget('dockerignore', {
  seeds: () => [...fixtureIgnoreFiles(), ...patternSeeds()],
  mutate: mutateText(WORDS),
  run: (input) => {
    const { matcher } = parseIgnoreFile('.dockerignore', Buffer.from(input));
    const verdicts = PATHS.map((path) => {
      const names = path.split('/');
      const last = names.pop() ?? '';
      const directory = names.reduce((at, name) => at.child(name), matcher.root());
      const ignored = matcher.matches(path);
      mustHold(directory.ignores(last) === ignored, 'the walk and the question disagree');
      mustHold(ignored || directory.canInclude, 'something is kept in a directory that a walk would pass over');
      return ignored ? 1 : 0;
    });
    return verdicts.join('');
  },
});

/** Matching by trying everything, for short names. */
function matchesSlowly(pattern: string, name: string): boolean {
  if (pattern === '') return name === '';
  if (pattern[0] === '*') {
    return Array.from({ length: name.length + 1 }, (_, i) => i).some((i) =>
      matchesSlowly(pattern.slice(1), name.slice(i)),
    );
  }
  const escaped = pattern[0] === '\\' ? 2 : 1;
  const wanted = pattern[escaped - 1];
  const fits = name !== '' && (pattern[0] === '?' || wanted === name[0]);
  return fits && matchesSlowly(pattern.slice(escaped), name.slice(1));
}

/** A context in memory: the paths above. */
const CONTEXT = ((): SourceTree => {
  const paths = new Map<string, SourceEntry>([['', { ...PLAIN_ENTRY, path: '', type: 'directory' }]]);
  for (const path of PATHS) {
    const names = path.split('/');
    for (let depth = 1; depth < names.length; depth++) {
      const above = names.slice(0, depth).join('/');
      paths.set(above, { ...PLAIN_ENTRY, path: above, type: 'directory' });
    }
    if (!paths.has(path)) paths.set(path, { ...PLAIN_ENTRY, path, type: 'file' });
  }
  const parent = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
  return {
    lookup: (path) => paths.get(path),
    list: (directory) => [...paths.values()].filter(({ path }) => path !== '' && parent(path) === directory),
    resolve: (path) => resolveLinks(path, (at) => paths.get(at)),
    contentSha256: () => '',
    knownSha256: () => undefined,
    remember: () => {},
    open: () => ({ read: () => 0, close: () => {} }),
  };
})();

/** COPY patterns: names against the obvious matcher, whole patterns against a tree. */
export const copyPattern = pureTarget('copy-pattern', {
  seeds: patternSeeds,
  mutate: mutateText(WORDS),
  run: (input) => {
    const pattern = Buffer.from(input).toString('latin1');
    const found = matchGlob(CONTEXT, pattern, { anyDepth: pattern.length % 2 === 0 });
    mustHold(
      found.every((path) => CONTEXT.lookup(path) !== undefined),
      'a path that is not there',
    );
    const [short = ''] = pattern.split('/');
    if (short.length > 12 || !/^(?:[^[\\]|\\[^])*$/.test(short) || /[^\0-\x7f]/.test(short)) return `${found.length}`;
    for (const name of ['a', 'abc', 'foo.txt', '', '*', 'aXbXc']) {
      const expected = matchesSlowly(short, name);
      mustHold(matchesName(compileName(short), name) === expected, `${short} and ${name}: must be ${expected}`);
    }
    return `${found.length} ${short.length}`;
  },
});

/** Single patterns, with classes: the syntax error or an answer. */
export const namePattern = pureTarget('name-pattern', {
  seeds: patternSeeds,
  mutate: mutateText(WORDS),
  run: (input) => {
    const [pattern = '', ...names] = Buffer.from(input).toString('latin1').split('\n');
    try {
      const compiled = compileName(pattern.replaceAll('/', ''));
      return `${compiled.kind} ${[...names.slice(0, 20), 'a'.repeat(255)]
        .map((name) => name.slice(0, 255))
        .map((name) => matchesName(compiled, name))
        .join()}`;
    } catch (error) {
      if (error instanceof PatternSyntaxError) return 'malformed';
      throw error;
    }
  },
});

/** Symlinks of a context: where the kernel goes with the context as its root, this goes. */
export const contextLinks = pureTarget('context-links', {
  seeds: () => dataSeeds(60, 120),
  mutate: mutateBytes,
  run: (input) => {
    const data = new Data(input);
    const tree = treeOf(data);
    const path = pathOf(data);
    const lookup = (at: string): SourceEntry | undefined => {
      const entry = tree.get(at);
      return entry === undefined
        ? undefined
        : { ...PLAIN_ENTRY, path: at, type: entry.type as 'file', linkPath: entry.linkPath };
    };
    const found = resolveLinks(path, lookup);
    mustHold(found === undefined || tree.has(found), 'it leads to what is not there');
    const expected = walked(path, tree);
    mustHold(expected === undefined || found === expected, `${path} is ${found}, the kernel says ${expected}`);
    return `${found?.length}`;
  },
});
