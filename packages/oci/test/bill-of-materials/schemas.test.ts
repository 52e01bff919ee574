import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import { describe, expect, it } from 'vitest';
import { type BillOfMaterials, cyclonedxDocument, type Digest, spdxDocument } from '../../src/index.ts';

const DIGEST: Digest = `sha256:${'a'.repeat(64)}`;
const LAYER: Digest = `sha256:${'b'.repeat(64)}`;

/** One of every member that the documents can have. */
const BILL: BillOfMaterials = {
  name: 'registry.example/team/app:1.0',
  digest: DIGEST,
  created: '2024-01-02T03:04:05Z',
  tool: { name: 'tsbuild', version: '0.1.0' },
  distribution: { id: 'debian', version: '12', title: 'Debian GNU/Linux 12 (bookworm)' },
  packages: [
    {
      type: 'deb',
      name: 'curl',
      version: '1:7.88',
      architecture: 'amd64',
      path: 'var/lib/dpkg/status',
      layer: LAYER,
      origin: 'Dockerfile:4 RUN apt-get install curl',
    },
    {
      type: 'npm',
      name: '@a/b',
      version: '1.0.0',
      licence: '(MIT OR Apache-2.0)',
      path: 'app/node_modules/@a/b/package.json',
    },
    { type: 'npm', name: 'c', version: '1.0.0', licence: 'see LICENSE', path: 'app/node_modules/c/package.json' },
    {
      type: 'maven',
      group: 'org.a',
      name: 'c',
      version: '1',
      path: 'app.war',
      within: 'WEB-INF/lib/c.jar',
      licence: 'NONSENSE-1.0',
    },
    { type: 'golang', name: 'stdlib', version: '1.22.1', path: 'usr/bin/tool', layer: LAYER },
  ],
  gaps: ["/var/lib/rpm/Packages: rpm's database of Berkeley DB is not read"],
};

const EMPTY: BillOfMaterials = { ...BILL, packages: [], gaps: [] };

function schemaOf(name: string): Readonly<Record<string, unknown>> {
  const path = new URL(`../../../../fixtures/schemas/${name}.schema.json`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
}

/** Formats of texts that the schemas name; the others are not checked. */
const FORMATS = {
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/,
  uri: /^[a-z][a-z0-9+.-]*:\S+$/i,
  'iri-reference': /^\S*$/,
  email: true,
  'idn-email': true,
} as const;

function validator(name: string, parts: readonly string[] = []): ValidateFunction {
  const ajv = new Ajv({ strict: false, allErrors: true, formats: FORMATS });
  for (const part of parts) ajv.addSchema(schemaOf(part));
  return ajv.compile(schemaOf(name));
}

/*
 * SPDX 2.3 contradicts itself: the specification (7.24) writes the purpose OPERATING-SYSTEM, its schema OPERATING_SYSTEM. Ours is that of
 * the specification, which trivy writes and reads, too; the test reads it as the schema writes it, and everything else as it is.
 */
describe.each([
  ['SPDX 2.3', validator('spdx-2.3'), spdxDocument, 'spdxVersion'],
  ['CycloneDX 1.6', validator('bom-1.6', ['jsf-0.82', 'spdx']), cyclonedxDocument, 'specVersion'],
] as const)('documents of %s by the official schema', (_name, validate, document, required) => {
  const faults = (text: unknown): unknown => (validate(text), validate.errors ?? []);

  it('are valid, with all members and with none', () => {
    for (const bill of [BILL, EMPTY]) {
      const text = document(bill).replace('"OPERATING-SYSTEM"', '"OPERATING_SYSTEM"');
      expect(faults(JSON.parse(text))).toEqual([]);
    }
  });

  it('would not be without a required member, or with another one', () => {
    const { [required]: _gone, ...rest } = JSON.parse(document(BILL)) as Record<string, unknown>;
    expect(faults(rest)).not.toEqual([]);
    expect(faults({ ...(JSON.parse(document(BILL)) as object), inventedMember: 1 })).not.toEqual([]);
  });
});
