#!/usr/bin/env node
// Writes docs/api/oci.md: every export of @tsbuild/oci with its signature, so that a change of the public surface is seen
// in review. Taken from the declarations that tsc emits, without their comments.
//
//   node scripts/api-report.mjs [--report FILE]    writes the report
//   node scripts/api-report.mjs --check            fails when it is not up to date, or an export has no doc comment
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { declaredName, documentedNames, exportsOf, importedNames, statementsOf } from './declarations.mjs';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const REPORT = join(PROJECT, 'docs/api/oci.md');
const ENTRIES = [
  { name: '@tsbuild/oci', file: 'index.d.ts', title: 'The core: Node and browsers' },
  { name: '@tsbuild/oci/node', file: 'node.d.ts', title: 'For Node: all of the core, and' },
];

/** Emits the declarations of the package into a folder; that the types are right is checked elsewhere. */
function emitDeclarations(folder) {
  const options = ['--emitDeclarationOnly', '--declarationMap', 'false', '--outDir', folder];
  const args = ['-p', join(PROJECT, 'packages/oci/tsconfig.json'), ...options];
  const { stdout } = spawnSync(join(PROJECT, 'node_modules/.bin/tsc'), args, { encoding: 'utf8' });
  if (!existsSync(join(folder, ENTRIES[0].file))) throw new Error(`tsc emits nothing:\n${stdout}`);
}

/** Modules as the emitted files declare them, read when they are asked for. */
class Modules {
  #known = new Map();

  statements(path) {
    const known = this.#known.get(path) ?? statementsOf(readFileSync(path, 'utf8'));
    this.#known.set(path, known);
    return known;
  }

  /** Name → the declarations behind it (several for overloads), of all that a module exports. */
  surface(path) {
    const surface = new Map();
    for (const { from, names } of exportsOf(this.statements(path))) {
      const target = join(dirname(path), from.replace(/\.[jt]s$/, '.d.ts'));
      if (names === undefined) for (const [name, found] of this.surface(target)) surface.set(name, found);
      else for (const name of names) surface.set(name, this.#declarations(target, name));
    }
    return surface;
  }

  #declarations(module, name) {
    const statements = this.statements(module).filter((text) => declaredName(text) === name);
    if (statements.length > 0) return { module, statements };
    throw new Error(`${module} does not declare ${name}: export it from the module that does`);
  }

  /** Exported names that nothing is said of. */
  undocumented(surface) {
    const documented = new Map();
    return [...surface].flatMap(([name, { module }]) => {
      if (!documented.has(module)) documented.set(module, documentedNames(readFileSync(module, 'utf8')));
      return documented.get(module).has(name) ? [] : [name];
    });
  }

  /** Names of this package that declarations of the surface speak of and that nobody can import. */
  unexported(surface) {
    const missing = new Set();
    for (const { module, statements } of surface.values()) {
      const all = this.statements(module);
      const candidates = [...importedNames(all), ...all.map(declaredName)].filter((name) => name && !surface.has(name));
      for (const name of candidates) {
        if (statements.some((text) => new RegExp(`(?<![.'\\w])${name}\\b(?![?:'(])`).test(text))) missing.add(name);
      }
    }
    return [...missing].toSorted();
  }
}

function reportOf(folder) {
  const modules = new Modules();
  const all = modules.surface(join(folder, 'node.d.ts'));
  const shown = new Set();
  const parts = [
    '# The public interface of @tsbuild/oci\n\nMade by `npm run api` from the code: do not edit. What each export does is said in its doc comment.\n',
  ];
  for (const { name, file, title } of ENTRIES) {
    const surface = modules.surface(join(folder, file));
    const own = [...surface.keys()].filter((each) => !shown.has(each)).toSorted();
    for (const each of own) shown.add(each);
    const texts = own.flatMap((each) => surface.get(each).statements);
    parts.push(`## ${title} \`${name}\`\n\n${own.length} exports.\n\n\`\`\`ts\n${texts.join('\n\n')}\n\`\`\`\n`);
  }
  const missing = modules.unexported(all);
  if (missing.length > 0) {
    parts.push(`## Spoken of above, but not exported\n\n${missing.map((name) => `- \`${name}\``).join('\n')}\n`);
  }
  return { report: parts.join('\n'), undocumented: modules.undocumented(all) };
}

/** Complains instead of writing. */
function check(path, { report, undocumented }) {
  if (!existsSync(path) || readFileSync(path, 'utf8') !== report) {
    console.error(`${path} is not up to date. Make it again with \`npm run api\`, and look at what changed.`);
    process.exitCode = 1;
  }
  if (undocumented.length === 0) return;
  console.error(`exports without a doc comment: ${undocumented.join(', ')}`);
  process.exitCode = 1;
}

const { values } = parseArgs({
  options: { check: { type: 'boolean', default: false }, report: { type: 'string', default: REPORT } },
});
const folder = mkdtempSync(join(tmpdir(), 'api-report-'));
try {
  emitDeclarations(folder);
  const result = reportOf(folder);
  if (values.check) check(values.report, result);
  else writeFileSync(values.report, result.report);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
