import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanFilePath } from '../../src/context/clean-path.ts';
import { ContextTree } from '../../src/context/context-tree.ts';
import { readIgnoreFile } from '../../src/context/ignore-file.ts';
import type { PatternMatcher } from '../../src/context/pattern-matcher.ts';
import { StatCache } from '../../src/context/stat-cache.ts';
import { paths, temporaryDirectory } from './real-tree.ts';

/** Docker's client packs the context itself, so a server that takes the archive is engine enough. */
function engine(socket: string, take: (archive: Buffer) => void): Promise<Server> {
  const server = createServer((request, response) => {
    response.setHeader('Api-Version', '1.41');
    response.setHeader('Ostype', 'linux');
    if (request.url?.includes('/build') !== true) {
      response.end('{}');
      return;
    }
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      take(Buffer.concat(pieces));
      response.end('{"stream":"ok"}\n');
    });
  });
  return new Promise((done) => server.listen(socket, () => done(server)));
}

/** What Docker's client would send of a context; undefined when it sends nothing. */
async function sentByDocker(context: string): Promise<string[] | undefined> {
  const socket = join(temporaryDirectory(), 's');
  let archive: Buffer | undefined;
  const server = await engine(socket, (bytes) => {
    archive = bytes;
  });
  const client = spawn('docker', ['-H', `unix://${socket}`, 'build', '-q', context], {
    env: { ...process.env, DOCKER_BUILDKIT: '0' },
    stdio: 'ignore',
  });
  await new Promise((done) => client.on('error', done).on('close', done));
  server.close();
  if (archive === undefined) return undefined;
  const names = execFileSync('tar', ['-t', '--quoting-style=literal'], { input: archive }).toString().split('\n');
  return names.map((name) => name.replace(/\/$/, '')).filter((name) => name !== '' && !OWN.includes(name));
}

/** The client always sends these. */
const OWN = ['Dockerfile', '.dockerignore'];

/** The same here, less what the classic client passes over (see below); undefined when the patterns are refused. */
function keptHere(context: string, lines: readonly string[]): string[] | undefined {
  const matcher = matcherOf(context);
  if (matcher === undefined) return undefined;
  const kept = paths(ContextTree.open(context, matcher, StatCache.open(context)));
  return kept
    .filter((path) => !OWN.includes(path) && !matcher.matches(path) && isReached(path, matcher, lines))
    .map((path) => Buffer.from(path, 'latin1').toString());
}

function matcherOf(context: string): PatternMatcher | undefined {
  try {
    return readIgnoreFile(context, undefined)?.matcher;
  } catch {
    return undefined;
  }
}

/**
 * The classic client enters an ignored directory only if the text of some exception begins with its path; BuildKit, and
 * with it this project, also for exceptions with wildcards.
 */
function isReached(path: string, matcher: PatternMatcher, lines: readonly string[]): boolean {
  const exceptions = lines.flatMap((line) => {
    const [, pattern] = /^\s*!\s*\/?(.*)$/s.exec(line) ?? [];
    return pattern === undefined ? [] : [`${cleanFilePath(pattern.trim())}/`];
  });
  const parents = path.split('/').map((_, index, names) => names.slice(0, index).join('/'));
  return parents.every(
    (parent) =>
      parent === '' || !matcher.matches(parent) || exceptions.some((exception) => exception.startsWith(`${parent}/`)),
  );
}

const NAMES = ['a', 'b', 'ab', 'c', 'aab', 'a.txt', 'äb'];

/** Every name, as a directory of every name, or as a file: 200 paths. */
function makeContext(): string {
  const context = temporaryDirectory();
  writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\n');
  const fill = (directory: string, turn: number): void => {
    mkdirSync(directory, { recursive: true });
    for (const [index, name] of NAMES.entries()) {
      if (turn < 3 && (index + turn) % 3 !== 0) fill(join(directory, name), turn + 1);
      else writeFileSync(join(directory, name), '');
    }
  };
  fill(context, 0);
  return context;
}

const SEGMENTS =
  'a b ab c * ? a* *b ** [ab] [^a] a** **b a**b ?b *a* .. . *.txt ä* ?? [^a-b]* [α-ωä]b \\* a\\.txt [\\]a] ***';
const segment = fc.constantFrom(...SEGMENTS.split(' '));
const line = fc
  .tuple(
    fc.constantFrom('', '', '!', '  ', '/', '! ', '!/', './'),
    fc.array(segment, { minLength: 1, maxLength: 3 }),
    fc.constantFrom('', '', '/', '  ', '\r'),
  )
  .map(([before, names, behind]) => before + names.join('/') + behind);

const hasDocker = spawnSync('docker', ['--version']).status === 0;

describe("the context and Docker's own client", () => {
  it.skipIf(!hasDocker)('agree on random pattern lists (needs the docker command)', { timeout: 60_000 }, async () => {
    const context = makeContext();
    const lists = fc.sample(fc.array(line, { minLength: 1, maxLength: 6 }), { numRuns: 15, seed: 20 });
    for (const lines of lists) {
      writeFileSync(join(context, '.dockerignore'), lines.join('\n'));
      const sent = await sentByDocker(context);
      expect(keptHere(context, lines)?.toSorted(), JSON.stringify(lines)).toEqual(sent?.toSorted());
    }
  });
});
