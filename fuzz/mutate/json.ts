import type { Random } from '../random.ts';
import type { Mutator } from '../target.ts';
import { mutateBytes } from './bytes.ts';

/** A JSON value that keeps the order of members and names that come twice. */
type Node = { readonly members: [string, Node][] } | { readonly items: Node[] } | { readonly text: string };

const DIGEST = `"sha256:${'a'.repeat(64)}"`;
const SCALARS = [
  ['null', 'true', 'false', '0', '-1', '1', '2', '-0', '1e400', '1.5', '9007199254740993', '18446744073709551616'],
  ['""', '"x"', '"\\u0000"', '"\\ud800"', '"../../x"', '"sha256:../../../etc/passwd"', DIGEST, '"é<>&\\u2028"'],
  ['"application/vnd.oci.image.index.v1+json"', '"application/vnd.docker.distribution.manifest.v1+prettyjws"'],
].flat();

/** Changes to a JSON document that know its shape; `names` are member names worth putting in. Every fourth time blind ones. */
export function mutateJson(names: readonly string[]): Mutator {
  return (input, random, corpus) => {
    const root = random.oneIn(4) ? undefined : parse(input);
    if (root === undefined) return mutateBytes(input, random, corpus);
    const other = parse(random.pick(corpus)) ?? root;
    for (let left = 1 + random.below(3); left > 0; left--) mutateTree(root, other, random, names);
    return Buffer.from(render(root));
  };
}

function mutateTree(root: Node, other: Node, random: Random, names: readonly string[]): void {
  const inner = collect(root).filter((node) => 'members' in node || 'items' in node);
  if (inner.length === 0) return;
  const node = random.pick(inner);
  const value = newValue(other, random);
  if ('items' in node) mutateItems(node.items, value, random);
  else if ('members' in node) mutateMembers(node.members, value, random, names);
}

function mutateItems(items: Node[], value: Node, random: Random): void {
  const at = random.below(items.length);
  if (random.oneIn(3)) items.splice(at, 1);
  else if (random.oneIn(2)) items[at] = value;
  else {
    const many = 'text' in value && value.text.length < 100 && random.oneIn(20);
    items.splice(at, 0, ...Array.from({ length: many ? 3000 : 1 }, () => value));
  }
}

function mutateMembers(members: [string, Node][], value: Node, random: Random, names: readonly string[]): void {
  const at = random.below(members.length);
  const member = members[at];
  const choice = random.below(5);
  if (member === undefined || choice === 0) members.push([random.pick(names), value]);
  else if (choice === 1) members.splice(at, 1);
  else if (choice === 2) members[at] = [member[0], value];
  else if (choice === 3) members.push([member[0], value]);
  else members[at] = [random.oneIn(2) ? random.pick(names) : caseVariant(member[0]), member[1]];
}

function newValue(other: Node, random: Random): Node {
  if (random.oneIn(60)) return { text: deep(random.pick([50, 500, 5000, 50_000])) };
  // A copy: nothing may come to lie within itself.
  if (random.oneIn(4)) return structuredClone(random.pick(collect(other)));
  if (random.oneIn(8)) return { items: [] };
  if (random.oneIn(8)) return { members: [] };
  return { text: random.pick(SCALARS) };
}

/** Nested as deep as readers may not be able to follow. */
function deep(depth: number): string {
  return `${'['.repeat(depth)}${']'.repeat(depth)}`;
}

function caseVariant(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1);
}

function collect(root: Node): readonly Node[] {
  const found: Node[] = [];
  const waiting = [root];
  for (let node = waiting.pop(); node !== undefined && found.length < 2000; node = waiting.pop()) {
    found.push(node);
    if ('items' in node) waiting.push(...node.items);
    else if ('members' in node) waiting.push(...node.members.map(([, value]) => value));
  }
  return found;
}

function parse(bytes: Uint8Array): Node | undefined {
  try {
    return treeOf(JSON.parse(Buffer.from(bytes).toString('utf8')), 0);
  } catch {
    return undefined;
  }
}

function treeOf(value: unknown, depth: number): Node {
  if (depth > 200 || typeof value !== 'object' || value === null) return { text: JSON.stringify(value) ?? 'null' };
  if (Array.isArray(value)) return { items: value.map((item: unknown) => treeOf(item, depth + 1)) };
  return { members: Object.entries(value).map(([name, member]) => [name, treeOf(member, depth + 1)]) };
}

function render(node: Node): string {
  if ('text' in node) return node.text;
  if ('items' in node) return `[${node.items.map(render).join(',')}]`;
  return `{${node.members.map(([name, value]) => `${JSON.stringify(name)}:${render(value)}`).join(',')}}`;
}
