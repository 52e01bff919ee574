import { digestHex } from '../spec/digest.ts';
import {
  type BillOfMaterials,
  documentDigest,
  documentPackages,
  type DocumentPackage,
  packagePlace,
} from './bill-of-materials.ts';
import { isSpdxExpression } from './spdx-licence.ts';

/** A component or another object of the document. */
type CycloneObject = Readonly<Record<string, unknown>>;

/** A CycloneDX 1.6 document in JSON, which depends on its input alone. Layers, instructions and gaps are properties. */
export function cyclonedxDocument(bill: BillOfMaterials): string {
  const { name, digest, created, tool, gaps, distribution } = bill;
  const components = documentPackages(bill).map(component);
  const system: readonly CycloneObject[] =
    distribution === undefined
      ? []
      : [
          {
            type: 'operating-system',
            'bom-ref': `os:${distribution.id}`,
            name: distribution.id,
            ...(distribution.version !== undefined && { version: distribution.version }),
            ...(distribution.title !== undefined && { description: distribution.title }),
          },
        ];
  const document = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuid(documentDigest(bill))}`,
    version: 1,
    metadata: {
      timestamp: created,
      tools: { components: [{ type: 'application', name: tool.name, version: tool.version }] },
      component: {
        type: 'container',
        'bom-ref': digest,
        name,
        version: digest,
        hashes: [{ alg: digest.startsWith('sha512:') ? 'SHA-512' : 'SHA-256', content: digestHex(digest) }],
      },
      ...(gaps.length > 0 && { properties: gaps.map((gap) => ({ name: `${tool.name}:not-read`, value: gap })) }),
    },
    components: [...system, ...components],
  };
  return `${JSON.stringify(document, undefined, 1)}\n`;
}

function component({ listed, purl, hash }: DocumentPackage): CycloneObject {
  const { name, group, version, licence, layer, origin } = listed;
  const property = (key: string, value: string) => ({ name: `tsbuild:${key}`, value });
  return {
    type: 'library',
    'bom-ref': `${purl}${purl.includes('?') ? '&' : '?'}package-id=${hash}`,
    ...(group !== undefined && { group }),
    name,
    version,
    ...(licence !== undefined && {
      licenses: [isSpdxExpression(licence) ? { expression: licence } : { license: { name: licence } }],
    }),
    purl,
    properties: [
      property('path', packagePlace(listed)),
      ...(layer === undefined ? [] : [property('layer', layer)]),
      ...(origin === undefined ? [] : [property('origin', origin)]),
    ],
  };
}

/** A UUID of version 8 (RFC 9562: its own scheme) out of a digest. */
function uuid(hex: string): string {
  const text = `${hex.slice(0, 12)}8${hex.slice(13, 16)}8${hex.slice(17, 32)}`;
  return text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
