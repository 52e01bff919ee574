import { blobContent, formatPlatform, indexAttestations, type JsonValue, type Layout } from '@tsbuild/oci/node';

/** What is attested of one image: the predicates of its statements, under the names that buildx has for them. */
type Predicates = Readonly<Record<string, JsonValue | readonly JsonValue[]>>;

/** Whether a template asks for what is not in the document else: attestations may be large. */
export function asksForAttestations(template: string | undefined): boolean {
  return /\.(?:SBOM|Provenance)\b/.test(template ?? '');
}

/**
 * `.SBOM` and `.Provenance` of an image of the store, as `docker buildx imagetools inspect` has them: `SPDX` and `SLSA`, or of
 * several platforms a map of these by platform.
 * @throws OciError of reading the statements
 */
export async function attestedDocuments(
  name: string,
  layout: Layout,
): Promise<{ readonly SBOM: JsonValue; readonly Provenance: JsonValue }> {
  const image = await layout.find(name);
  const stored = image && (await layout.index(image));
  if (stored === undefined) return { SBOM: {}, Provenance: {} };
  const { index, images } = stored;
  const all = await indexAttestations({ index, content: blobContent(layout.blobs) });
  const byPlatform: [string, { readonly sbom: Predicates; readonly provenance: Predicates }][] = [];
  for (const { manifest, platform } of images) {
    const files = all.filter(({ attested }) => attested === manifest.digest).flatMap(({ statements }) => statements);
    const read = async (isMeant: (type: string) => boolean): Promise<readonly JsonValue[]> => {
      const statements = files.filter(({ predicateType }) => isMeant(predicateType)).map((file) => file.read());
      return (await Promise.all(statements)).map(({ predicate }) => predicate);
    };
    const [spdx, ...more] = await read((type) => type === 'https://spdx.dev/Document');
    const [slsa] = await read((type) => type.startsWith('https://slsa.dev/provenance/'));
    const additional = more.length > 0 && { AdditionalSPDXs: more };
    const sbom = { ...(spdx !== undefined && { SPDX: spdx }), ...additional };
    byPlatform.push([formatPlatform(platform), { sbom, provenance: slsa === undefined ? {} : { SLSA: slsa } }]);
  }
  const [only] = byPlatform;
  if (only !== undefined && byPlatform.length === 1) return { SBOM: only[1].sbom, Provenance: only[1].provenance };
  return {
    SBOM: Object.fromEntries(byPlatform.map(([platform, { sbom }]) => [platform, sbom])),
    Provenance: Object.fromEntries(byPlatform.map(([platform, { provenance }]) => [platform, provenance])),
  };
}
