import { describe, expect, it } from 'vitest';
import {
  type BillOfMaterials,
  cyclonedxDocument,
  type Digest,
  type ListedPackage,
  spdxDocument,
} from '../../src/index.ts';

const DIGEST: Digest = `sha256:${'a'.repeat(64)}`;
const LAYER: Digest = `sha256:${'b'.repeat(64)}`;

const PACKAGES: readonly ListedPackage[] = [
  {
    type: 'deb',
    name: 'curl',
    version: '7.88',
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
  { type: 'npm', name: '@a/b', version: '1.0.0', licence: 'see LICENSE', path: 'other/node_modules/@a/b/package.json' },
  {
    type: 'maven',
    group: 'org.a',
    name: 'c',
    version: '1',
    path: 'app.war',
    within: 'WEB-INF/lib/c.jar',
    licence: 'NONSENSE-1.0',
  },
];

const BILL: BillOfMaterials = {
  name: 'registry.example/team/app:1.0',
  digest: DIGEST,
  created: '2024-01-02T03:04:05Z',
  tool: { name: 'tsbuild', version: '0.1.0' },
  distribution: { id: 'debian', version: '12', title: 'Debian GNU/Linux 12 (bookworm)' },
  packages: PACKAGES,
  gaps: ["/var/lib/rpm/Packages: rpm's database of Berkeley DB is not read"],
};

type Json = Readonly<Record<string, unknown>>;
const spdx = (bill: BillOfMaterials = BILL): Json => JSON.parse(spdxDocument(bill)) as Json;
const listIn = (document: Json, name: string): readonly Json[] => document[name] as readonly Json[];

/** The rules of the schema of SPDX 2.3 (spdx-spec, schemas/spdx-schema.json) for what we write, restated. */
function checkSpdx(document: Json): void {
  expect(document['spdxVersion']).toBe('SPDX-2.3');
  expect(document['dataLicense']).toBe('CC0-1.0');
  expect(document['SPDXID']).toBe('SPDXRef-DOCUMENT');
  expect(document['name']).toEqual(expect.any(String));
  expect(String(document['documentNamespace'])).toMatch(/^https:\/\/[^#\s]+$/);
  const creation = document['creationInfo'] as Json;
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
  expect(creation['created']).toMatch(time);
  for (const creator of creation['creators'] as readonly string[])
    expect(creator).toMatch(/^(?:Tool|Organization|Person): \S/);
  const ids = new Set(['SPDXRef-DOCUMENT']);
  const licences = new Set(
    (document['hasExtractedLicensingInfos'] as readonly Json[] | undefined)?.map((one) => one['licenseId']),
  );
  for (const one of listIn(document, 'packages')) {
    expect(one['SPDXID']).toMatch(/^SPDXRef-[A-Za-z0-9.-]+$/);
    expect(ids).not.toContain(one['SPDXID']);
    ids.add(String(one['SPDXID']));
    expect(one['name']).toEqual(expect.any(String));
    expect(one['downloadLocation']).toBe('NOASSERTION');
    expect(one['filesAnalyzed']).toBe(false);
    for (const { algorithm, checksumValue } of (one['checksums'] ?? []) as readonly Json[]) {
      expect(algorithm).toBe('SHA256');
      expect(checksumValue).toMatch(/^[0-9a-f]{64}$/);
    }
    for (const { referenceCategory, referenceType, referenceLocator } of (one['externalRefs'] ??
      []) as readonly Json[]) {
      expect([referenceCategory, referenceType]).toEqual(['PACKAGE-MANAGER', 'purl']);
      expect(referenceLocator).toMatch(/^pkg:[a-z]+\/\S+$/);
    }
    for (const { annotationType, annotator, annotationDate, comment } of (one['annotations'] ??
      []) as readonly Json[]) {
      expect(['OTHER', 'REVIEW']).toContain(annotationType);
      expect(annotator).toMatch(/^(?:Tool|Organization|Person): \S/);
      expect(annotationDate).toMatch(time);
      expect(comment).toEqual(expect.any(String));
    }
    const declared = String(one['licenseDeclared'] ?? 'NOASSERTION');
    for (const id of declared.match(/LicenseRef-[A-Za-z0-9.-]+/g) ?? []) expect(licences).toContain(id);
  }
  for (const { licenseId, extractedText } of (document['hasExtractedLicensingInfos'] ?? []) as readonly Json[]) {
    expect(licenseId).toMatch(/^LicenseRef-[A-Za-z0-9.-]+$/);
    expect(extractedText).toEqual(expect.stringMatching(/./));
  }
  const types = new Set(['DESCRIBES', 'CONTAINS']);
  for (const { spdxElementId, relatedSpdxElement, relationshipType } of listIn(document, 'relationships')) {
    expect(ids).toContain(spdxElementId);
    expect(ids).toContain(relatedSpdxElement);
    expect(types).toContain(relationshipType);
  }
}

describe('an SPDX document', () => {
  it('keeps the rules of the schema', () => {
    expect(() => checkSpdx(spdx())).not.toThrow();
  });

  it('keeps them of whatever packages tell', () => {
    const evil = '\u001b]0;x\u0007"<&>\n☃ \u202e';
    const packages = [
      { type: 'npm', name: evil, version: evil, licence: evil, path: evil, origin: evil } as const,
      { type: 'deb', name: 'a', version: '1', licence: 'LicenseRef-own', path: 'x' } as const,
    ];
    expect(() => checkSpdx(spdx({ ...BILL, name: evil, packages, gaps: [evil] }))).not.toThrow();
    expect(() => checkSpdx(spdx({ ...BILL, packages: [], gaps: [] }))).not.toThrow();
  });

  it('tells layers as BuildKit does, instructions, licences, and what could not be read', () => {
    const document = spdx();
    const curl = listIn(document, 'packages').find(({ name }) => name === 'curl');
    expect(curl).toMatchObject({
      versionInfo: '7.88',
      sourceInfo: 'acquired package info from DPKG DB: /var/lib/dpkg/status',
      comment: `layerID: ${LAYER}`,
      annotations: [{ annotator: 'Tool: tsbuild-0.1.0', comment: 'Dockerfile:4 RUN apt-get install curl' }],
      externalRefs: [{ referenceLocator: 'pkg:deb/debian/curl@7.88?arch=amd64&distro=debian-12' }],
    });
    expect(document['comment']).toBe("Not read:\n/var/lib/rpm/Packages: rpm's database of Berkeley DB is not read");
    const system = listIn(document, 'packages').find((one) => one['primaryPackagePurpose'] === 'OPERATING-SYSTEM');
    expect(system).toMatchObject({ name: 'debian', versionInfo: '12' });
    const licences = listIn(document, 'packages').map((one) => one['licenseDeclared']);
    expect(licences).toContain('(MIT OR Apache-2.0)');
    const extracted = listIn(document, 'hasExtractedLicensingInfos').map((one) => one['extractedText']);
    expect(extracted.toSorted()).toEqual(['NONSENSE-1.0', 'see LICENSE']);
  });

  it('depends on its input alone, and on all of it', () => {
    const text = spdxDocument(BILL);
    expect(spdxDocument(structuredClone(BILL))).toBe(text);
    expect(spdxDocument({ ...BILL, packages: PACKAGES.toReversed() })).toBe(text);
    const others: readonly BillOfMaterials[] = [
      { ...BILL, digest: LAYER },
      { ...BILL, created: '2024-01-02T03:04:06Z' },
      { ...BILL, packages: PACKAGES.slice(1) },
      { ...BILL, gaps: [] },
    ];
    const namespaces = [BILL, ...others].map((bill) => spdx(bill)['documentNamespace']);
    expect(new Set(namespaces).size).toBe(namespaces.length);
  });
});

describe('a CycloneDX document', () => {
  const cyclone = (bill: BillOfMaterials = BILL): Json => JSON.parse(cyclonedxDocument(bill)) as Json;

  it('keeps the rules of the schema of 1.6', () => {
    const document = cyclone();
    expect([document['bomFormat'], document['specVersion'], document['version']]).toEqual(['CycloneDX', '1.6', 1]);
    const uuid = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    expect(document['serialNumber']).toMatch(uuid);
    const refs = listIn(document, 'components').map((one) => one['bom-ref']);
    expect(new Set(refs).size).toBe(refs.length);
    for (const one of listIn(document, 'components')) {
      expect(['library', 'operating-system']).toContain(one['type']);
      expect(one['name']).toEqual(expect.any(String));
      // A list of licences is one expression, or licences by ID or name.
      for (const licence of (one['licenses'] ?? []) as readonly Json[]) {
        expect(Object.keys(licence)).toHaveLength(1);
        expect(licence['expression'] ?? (licence['license'] as Json)['name']).toEqual(expect.any(String));
      }
    }
  });

  it('tells the same packages as the SPDX document', () => {
    const purls = listIn(cyclone(), 'components').flatMap((one) => one['purl'] ?? []);
    const others = listIn(spdx(), 'packages').flatMap((one) =>
      ((one['externalRefs'] ?? []) as readonly Json[]).map((reference) => reference['referenceLocator']),
    );
    expect(purls).toEqual(others);
    expect(purls).toHaveLength(PACKAGES.length);
  });

  it('depends on its input alone', () => {
    expect(cyclonedxDocument({ ...BILL, packages: PACKAGES.toReversed() })).toBe(cyclonedxDocument(BILL));
  });
});
