import { describe, expect, it } from 'vitest';
import { attestationOf } from '../../src/attestation/attestation-manifest.ts';
import { addAttestation, indexAttestations } from '../../src/attestation/index-attestations.ts';
import { moveAttestation } from '../../src/attestation/move-attestation.ts';
import { decodeStatement, type InTotoStatement } from '../../src/attestation/statement.ts';
import { MemoryBlobStore } from '../../src/blob/memory.ts';
import { blobContent, readSmall } from '../../src/image/content-source.ts';
import { copyContent } from '../../src/image/copy-content.ts';
import { addEntry, indexOf, indexOfImages, selectImage } from '../../src/image/index-building.ts';
import { withLabels } from '../../src/image/mutate.ts';
import { digestHex } from '../../src/spec/digest.ts';
import type { Digest } from '../../src/spec/digest.ts';
import { parsePlatform } from '../../src/spec/platform.ts';
import { sampleImage } from '../../testing/sample-image.ts';

const SPDX = 'https://spdx.dev/Document';
const SLSA = 'https://slsa.dev/provenance/v1';
const statementsAbout = (digest: Digest): readonly InTotoStatement[] =>
  [SPDX, SLSA].map((predicateType) => ({
    subject: [{ name: 'pkg:docker/app@1', digest: { sha256: digestHex(digest) } }],
    predicateType,
    predicate: { about: predicateType },
  }));
const image = await sampleImage([[{ name: 'f', content: 'x' }]], { platform: parsePlatform('linux/amd64') });
const { digest } = image.descriptor;
const statements = statementsAbout(digest);

describe('an attestation', () => {
  it('is a manifest of statements with the image as its subject, as BuildKit stores it', async () => {
    const { descriptor, rawManifest, manifest, content } = attestationOf({ attested: image.descriptor, statements });
    const document = JSON.parse(new TextDecoder().decode(rawManifest)) as Record<string, unknown>;
    expect(document).toEqual({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType: 'application/vnd.docker.attestation.manifest.v1+json',
      config: {
        mediaType: 'application/vnd.oci.empty.v1+json',
        digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
        size: 2,
        data: 'e30=',
      },
      layers: [SPDX, SLSA].map((predicateType) => ({
        mediaType: 'application/vnd.in-toto+json',
        digest: expect.stringMatching(/^sha256:/),
        size: expect.any(Number),
        annotations: { 'in-toto.io/predicate-type': predicateType },
      })),
      subject: { mediaType: image.descriptor.mediaType, digest, size: image.descriptor.size },
    });
    expect(new TextDecoder().decode(await readSmall(content.blob(manifest.config), manifest.config))).toBe('{}');
    expect(attestationOf({ attested: image.descriptor, statements }).descriptor).toEqual(descriptor);
  });

  it('is dressed as an image for registries that know no artifacts', async () => {
    const { manifest, content } = attestationOf({ attested: image.descriptor, statements, form: 'image' });
    expect(manifest).not.toHaveProperty('subject');
    expect(manifest).not.toHaveProperty('artifactType');
    const config = await readSmall(content.blob(manifest.config), manifest.config);
    expect(JSON.parse(new TextDecoder().decode(config))).toEqual({
      architecture: 'unknown',
      os: 'unknown',
      config: {},
      rootfs: { type: 'layers', diff_ids: manifest.layers.map((layer) => layer.digest) },
    });
  });

  it.each(['artifact', 'image'] as const)('lies in an index behind the images, and is read back (%s)', async (form) => {
    const attestation = attestationOf({ attested: image.descriptor, statements, form });
    const index = addAttestation(indexOfImages([image]), attestation, digest);
    expect(index.index.manifests[1]).toEqual({
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: attestation.descriptor.digest,
      size: attestation.descriptor.size,
      platform: { architecture: 'unknown', os: 'unknown' },
      annotations: {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': digest,
      },
    });
    expect((await selectImage(index, parsePlatform('linux/amd64'))).descriptor.digest).toBe(digest);

    const blobs = new MemoryBlobStore();
    await copyContent(
      {
        ...index.content,
        document: async (wanted) =>
          wanted.digest === index.descriptor.digest ? index.rawIndex : index.content.document(wanted),
      },
      index.descriptor,
      {
        blob: async (descriptor, open) => void (await blobs.put(open(), descriptor)),
        document: async (descriptor, bytes) => void (await blobs.put(bytes, descriptor)),
      },
    );
    const copied = indexOf(index.rawIndex, blobContent(blobs));
    const [found, ...others] = await indexAttestations(copied);
    expect(others).toEqual([]);
    expect(found?.attested).toBe(digest);
    expect(found?.statements.map(({ predicateType }) => predicateType)).toEqual([SPDX, SLSA]);
    expect(await Promise.all((found?.statements ?? []).map((file) => file.read()))).toEqual(statements);
  });

  it('is passed over where it is not, and where nothing says of what it speaks', async () => {
    const attestation = attestationOf({ attested: image.descriptor, statements });
    const absent = addAttestation(indexOfImages([image]), attestation, digest);
    const withoutContent = indexOf(absent.rawIndex, blobContent(new MemoryBlobStore()));
    expect(await indexAttestations(withoutContent)).toEqual([]);
    const entry = { ...attestation.descriptor, annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } };
    expect(await indexAttestations(addEntry(indexOfImages([image]), entry, absent.content))).toEqual([]);
  });

  it.each(['artifact', 'image'] as const)('goes with its image when that gets another manifest (%s)', async (form) => {
    const attestation = attestationOf({ attested: image.descriptor, statements, form });
    const [found] = await indexAttestations(addAttestation(indexOfImages([image]), attestation, digest));
    const other = withLabels(image, { moved: 'yes' }).descriptor;
    const moved = found && (await moveAttestation(found, other));
    const expected = attestationOf({ attested: other, statements: statementsAbout(other.digest), form });
    expect(moved?.descriptor).toEqual(expected.descriptor);
    const foreign = attestationOf({ attested: image.descriptor, statements: statementsAbout(other.digest), form });
    const [elsewhere] = await indexAttestations(addAttestation(indexOfImages([image]), foreign, digest));
    expect(elsewhere && (await moveAttestation(elsewhere, other))).toBeUndefined();
    const file = { predicateType: SPDX, read: async () => decodeStatement(new TextEncoder().encode('{}')) };
    expect(found && (await moveAttestation({ ...found, statements: [file, file] }, other))).toBeUndefined();
  });
});
