import type { ByteString } from '@tsbuild/oci';
import { compileName, matchesName, type NamePattern, PatternSyntaxError } from './name-pattern.ts';

/** `**` between two slashes: any number of directories, also none. */
const ANY_DEPTH = 'any-depth';

/** What a pattern wants of a path, name by name. */
export type PatternRoute = readonly (NamePattern | typeof ANY_DEPTH)[];

/**
 * Where in a {@link PatternRoute} a walk may stand after the names of a directory: the indices of what the next name may
 * match, ascending. Empty: nothing below this directory can match.
 */
export type Positions = readonly number[];

/** The positions at the root. */
export function startOf(route: PatternRoute): Positions {
  const positions = new Set<number>();
  enter(route, 0, positions);
  return [...positions];
}

/** Whether the path that ends with `name` matches the whole route. */
export function accepts(route: PatternRoute, positions: Positions, name: ByteString): boolean {
  // Only the last index can end a route, and it comes last.
  const last = route.length - 1;
  const pattern = route[last];
  return positions.at(-1) === last && pattern !== undefined && pattern !== ANY_DEPTH && matchesName(pattern, name);
}

/** The positions inside the directory `name`. */
export function advance(route: PatternRoute, positions: Positions, name: ByteString): Positions {
  const next = new Set<number>();
  for (const position of positions) {
    const pattern = route[position];
    if (pattern === undefined) continue;
    if (pattern === ANY_DEPTH) enter(route, position, next);
    else if (position + 1 < route.length && matchesName(pattern, name)) enter(route, position + 1, next);
  }
  return [...next].toSorted((a, b) => a - b);
}

function enter(route: PatternRoute, position: number, into: Set<number>): void {
  let at = position;
  while (at < route.length && !into.has(at)) {
    into.add(at);
    if (route[at] !== ANY_DEPTH) return;
    at++;
  }
}

/** The names of a pattern in which `**` means no more than `*` (Go's `filepath.Match`). @throws PatternSyntaxError */
export function compileRoute(pattern: ByteString): PatternRoute {
  return splitNames(pattern).map(compileName);
}

/**
 * The routes of a pattern with `**`, as moby/patternmatcher reads it: more than one where `**` touches a name, as in
 * `a**b`, which means both `ab` and `a…/…/b`. At the end it stands for one or more names.
 * @throws PatternSyntaxError
 */
export function compileRoutes(pattern: ByteString): PatternRoute[] {
  const found: ByteString[][] = [];
  expand(pattern, 0, [], '', found);
  // `**` straight before a name and nothing else special asks how the path ends, within a name or not.
  if (/^\*\*[^/*?[\]\\][^*?[\]\\]*$/s.test(pattern)) found[0] = ['**', ...splitNames(pattern.slice(1))];
  // A second `**` behind one says nothing new.
  const distinct = found.map((names) => names.filter((name, i) => name !== '**' || names[i - 1] !== '**'));
  return distinct.map((names) => names.map((name) => (name === '**' ? ANY_DEPTH : compileName(name))));
}

/** Each `**` that touches a name doubles the routes; nobody needs that more than once or twice. */
const MAX_ROUTES = 64;

function expand(
  pattern: ByteString,
  start: number,
  before: readonly ByteString[],
  begun: ByteString,
  into: ByteString[][],
  depth = 0,
): void {
  // Each level ends in a route of its own.
  if (depth >= MAX_ROUTES) throw tooManyRoutes();
  const names = [...before];
  let name = begun;
  for (let at = start; at < pattern.length; ) {
    if (pattern.startsWith('**', at)) {
      at += pattern[at + 2] === '/' ? 3 : 2;
      const end = at >= pattern.length;
      if (name !== '') {
        expand(pattern, at, names, end ? `${name}*` : name, into, depth + 1);
        names.push(`${name}*`);
      }
      names.push('**');
      name = end ? '*' : '';
    } else {
      const piece = pieceAt(pattern, at);
      at += piece.length;
      if (piece === '/' || piece === '\\/') {
        names.push(name);
        name = '';
      } else {
        name += piece;
      }
    }
  }
  if (into.length >= MAX_ROUTES) throw tooManyRoutes();
  into.push([...names, name]);
}

function tooManyRoutes(): PatternSyntaxError {
  return new PatternSyntaxError('too many ** in pattern');
}

function splitNames(pattern: ByteString): ByteString[] {
  const names: ByteString[] = [];
  let name = '';
  for (let at = 0; at < pattern.length; ) {
    const piece = pieceAt(pattern, at);
    at += piece.length;
    if (piece === '/' || piece === '\\/') {
      names.push(name);
      name = '';
    } else {
      name += piece;
    }
  }
  return [...names, name];
}

/** The smallest stretch of a pattern that must stay together: a byte, `\x`, or a class (to the end when not closed). */
function pieceAt(pattern: ByteString, at: number): ByteString {
  if (pattern[at] === '\\') return pattern.slice(at, at + 2);
  if (pattern[at] !== '[') return pattern.charAt(at);
  let end = pattern[at + 1] === '^' ? at + 2 : at + 1;
  for (const first = end; end < pattern.length && (pattern[end] !== ']' || end === first); end++) {
    if (pattern[end] === '\\') end++;
  }
  return pattern.slice(at, end + 1);
}
