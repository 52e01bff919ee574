import { digestHex } from '../spec/digest.ts';
import {
  type BillOfMaterials,
  documentDigest,
  documentPackages,
  packagePlace,
  shortHash,
  type DocumentPackage,
} from './bill-of-materials.ts';
import { isSpdxExpression } from './spdx-licence.ts';

const NONE = 'NOASSERTION';

/** Where the facts of a package are from, in the words that readers of SPDX documents know. */
const SOURCES: Readonly<Record<DocumentPackage['listed']['type'], string>> = {
  deb: 'DPKG DB',
  apk: 'APK DB',
  rpm: 'RPM DB',
  npm: 'installed node module manifest file',
  pypi: 'installed python package manifest file',
  gem: 'installed gem metadata file',
  golang: 'go module information',
  cargo: 'rust cargo manifest',
  maven: 'installed java archive',
  composer: 'PHP composer manifest',
  nuget: 'dotnet project assets file',
};

/** A package, a relationship or another object of the document. */
type SpdxObject = Readonly<Record<string, unknown>>;

/**
 * An SPDX 2.3 document in JSON. It depends on its input alone: no clock, no random numbers. The layer of a package is in its
 * `comment` as BuildKit writes it (`layerID: sha256:…`), its instruction in an annotation, gaps in the document's comment.
 */
export function spdxDocument(bill: BillOfMaterials): string {
  const { name, created, tool, gaps } = bill;
  const creator = `Tool: ${tool.name}-${tool.version}`;
  const root = rootPackage(bill);
  const system = systemPackage(bill);
  const found = documentPackages(bill);
  const others = [...system, ...found.map((one) => spdxPackage(one, { created, creator }))];
  const texts = otherLicences(found);
  const relate = (from: unknown, type: string, to: unknown): SpdxObject => ({
    spdxElementId: from,
    relationshipType: type,
    relatedSpdxElement: to,
  });
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name,
    documentNamespace: `https://spdx.org/spdxdocs/${idString(tool.name)}/${idString(name)}-${documentDigest(bill)}`,
    creationInfo: { created, creators: [creator] },
    ...(gaps.length > 0 && { comment: `Not read:\n${gaps.join('\n')}` }),
    packages: [root, ...others],
    ...(texts.length > 0 && { hasExtractedLicensingInfos: texts }),
    relationships: [
      relate('SPDXRef-DOCUMENT', 'DESCRIBES', root['SPDXID']),
      ...others.map((one) => relate(root['SPDXID'], 'CONTAINS', one['SPDXID'])),
    ],
  };
  return `${JSON.stringify(document, undefined, 1)}\n`;
}

function rootPackage({ name, digest }: BillOfMaterials): SpdxObject {
  return {
    name,
    SPDXID: `SPDXRef-DocumentRoot-Image-${idString(name)}`,
    versionInfo: digest,
    downloadLocation: NONE,
    filesAnalyzed: false,
    primaryPackagePurpose: 'CONTAINER',
    checksums: [{ algorithm: digest.startsWith('sha512:') ? 'SHA512' : 'SHA256', checksumValue: digestHex(digest) }],
  };
}

function systemPackage({ distribution }: BillOfMaterials): readonly SpdxObject[] {
  if (distribution === undefined) return [];
  const { id, version, title } = distribution;
  return [
    {
      name: id,
      SPDXID: `SPDXRef-OperatingSystem-${idString(id)}-${shortHash([id, version ?? ''])}`,
      ...(version !== undefined && { versionInfo: version }),
      downloadLocation: NONE,
      filesAnalyzed: false,
      primaryPackagePurpose: 'OPERATING-SYSTEM',
      ...(title !== undefined && { description: title }),
    },
  ];
}

function spdxPackage(
  { listed, purl, hash }: DocumentPackage,
  { created, creator }: { readonly created: string; readonly creator: string },
): SpdxObject {
  const { type, name, group, version, layer, origin, licence } = listed;
  const annotation = { annotator: creator, annotationDate: created, annotationType: 'OTHER', comment: origin };
  return {
    name: group === undefined ? name : `${group}:${name}`,
    SPDXID: `SPDXRef-Package-${type}-${idString(name)}-${hash}`,
    versionInfo: version,
    supplier: NONE,
    downloadLocation: NONE,
    filesAnalyzed: false,
    sourceInfo: `acquired package info from ${SOURCES[type]}: ${packagePlace(listed)}`,
    licenseConcluded: NONE,
    licenseDeclared: licence === undefined ? NONE : declared(licence),
    copyrightText: NONE,
    ...(layer !== undefined && { comment: `layerID: ${layer}` }),
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }],
    ...(origin !== undefined && { annotations: [annotation] }),
  };
}

function declared(licence: string): string {
  return isSpdxExpression(licence) ? licence : licenceId(licence);
}

function licenceId(licence: string): string {
  return `LicenseRef-${shortHash([licence])}`;
}

/** Licences that are no expressions, each once, as the packages tell them. */
function otherLicences(found: readonly DocumentPackage[]): readonly SpdxObject[] {
  const licences = new Set(found.map(({ listed }) => listed.licence).filter((licence) => licence !== undefined));
  return [...licences]
    .filter((licence) => !isSpdxExpression(licence))
    .toSorted()
    .map((licence) => ({ licenseId: licenceId(licence), name: licence.slice(0, 100), extractedText: licence }));
}

/** As SPDX's ids may be: letters, digits, dots and dashes. */
function idString(text: string): string {
  return text.replace(/[^A-Za-z0-9.-]+/g, '-');
}
