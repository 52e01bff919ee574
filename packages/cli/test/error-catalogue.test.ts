import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorCatalogue } from '../src/commands/explain/catalogue.ts';
import { tsbuild } from './testing-host.ts';

const PACKAGES = new URL('../../', import.meta.url);

const source = (path: string): string => readFileSync(new URL(path, PACKAGES), 'utf8');

/** The members of a union of texts. */
function union(path: string, name: string): readonly string[] {
  const [, members = ''] = new RegExp(`export type ${name} =([^;]*);`).exec(source(path)) ?? [];
  return [...members.matchAll(/'([A-Z_]+)'/g)].map(([, code = '']) => code);
}

describe('docs/errors.md', () => {
  const entries = errorCatalogue();

  it('has an entry for every code of the source, and no other', () => {
    const own = [...source('cli/src/output/diagnostic.ts').matchAll(/code: '([A-Z_]+)'/g)].map(([, code = '']) => code);
    const build = union('builder/src/diagnostics/build-error.ts', 'BuildErrorCode');
    const oci = union('oci/src/spec/oci-error.ts', 'OciErrorCode');
    expect(own).toContain('USAGE');
    expect(build).toContain('RUN_FAILED');
    expect(oci).toContain('BLOB_CORRUPT');
    expect(entries.map(({ code }) => code).toSorted()).toEqual([...new Set([...own, ...build, ...oci])].toSorted());
  });

  it.each(entries)('$code: says what it means, why, and what to do, in plain letters', ({ meaning, why, todo }) => {
    for (const text of [meaning, why, todo]) {
      expect(text).toMatch(/^[\x20-\x7e]{10,}[.]$/);
      expect(text).not.toMatch(/\]\(|`/);
    }
  });
});

describe('tsbuild explain', () => {
  it('prints what the catalogue says of a code', async () => {
    expect(await tsbuild(['explain', 'blob-corrupt'])).toMatchObject({
      code: 0,
      stderr: '',
      stdout: `BLOB_CORRUPT (The store)

Bytes do not match their digest. Nothing of them was used.

Why: a damaged disk, a file that was edited in the store, a registry, mirror or proxy that sends
other bytes.

What to do: tsbuild fsck --repair for the store; pull without the mirror; ask the registry's
operator.
`,
    });
    const { stdout } = await tsbuild(['explain', 'REGISTRY_DENIED']);
    expect(stdout).toContain('(docs/registries.md)');
  });

  it('lists all codes, each on one line', async () => {
    const { stdout } = await tsbuild(['explain']);
    expect(stdout.trimEnd().split('\n')).toHaveLength(errorCatalogue().length);
    expect(stdout).toMatch(/^CONTAINER_NAME_TAKEN +Another container has this name$/m);
  });

  it.each([
    ['BASE_NOTFOUND', 'did you mean BASE_NOT_FOUND?'],
    ['StageNameCasing', 'docs/checks.md explains the rules of checks'],
    ['X', 'tsbuild explain lists all of them'],
  ])('knows no %s', async (word, hint) => {
    expect(await tsbuild(['explain', word])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: `ERROR: there is no error code "${word}"\nhint: ${hint}\n`,
    });
  });
});
