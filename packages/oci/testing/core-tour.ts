import {
  appendLayers,
  assembleImage,
  blobContent,
  canonicalJson,
  chainID,
  copyContent,
  decodeImageConfig,
  emptyImage,
  encodeTarHeader,
  END_OF_ARCHIVE,
  familiarName,
  formatPlatform,
  fromBlobs,
  indexOfImages,
  MediaType,
  MemoryBlobStore,
  OciError,
  parseDigest,
  parsePlatform,
  parseReference,
  readTar,
  rebase,
  selectImage,
  sha256Digest,
  utf8ToByteString,
  validateImage,
  withConfig,
  withCreated,
  withLabels,
} from '../src/index.ts';
import type { Image, ImageLayer, TarEntry } from '../src/index.ts';

/* Uses the core as a page in a browser would: whatever differs between browsers and Node shows in the result. */

/** Goes through the core; the result is plain JSON and the same everywhere. */
export async function tourOfTheCore(): Promise<Readonly<Record<string, unknown>>> {
  const blobs = new MemoryBlobStore();
  const lower = await storedLayer(blobs, tarOf({ 'etc/name': 'böse Ätze\n', 'big/file': 'x'.repeat(100_000) }));
  const upper = await storedLayer(blobs, tarOf({ [`long/${'n'.repeat(200)}`]: 'pax' }));
  const base = appendLayers(emptyImage(parsePlatform('linux/arm64')), [{ layer: lower }]);
  const image = withCreated(
    withLabels(withConfig(appendLayers(base, [{ layer: upper }]), { Cmd: ['/app'] }), { '9': 'nine', team: 'wéb' }),
    '2024-01-02T03:04:05Z',
  );
  return {
    digest: sha256Digest('hello'),
    references: ['my-app', 'localhost:5000/a/b:c', 'ghcr.io/a/b'].map((name) => familiarName(parseReference(name))),
    refused: [codeOf(() => parseDigest('sha256:../../x')), codeOf(() => parseReference('Not/Good'))],
    json: canonicalJson({ b: ['<é\u2028>', 1e21, null], a: { '10': true, '9': undefined } }),
    chain: chainID(image.layers.map(({ diffID }) => diffID)),
    image: image.descriptor,
    config: new TextDecoder().decode(image.rawConfig),
    assembled: assembleImage({ config: image.rawConfig, layers: [] }).manifestDescriptor.digest,
    rebased: rebase(image, base, base).layers.map(({ diffID }) => diffID),
    members: await membersOf(lower),
    longName: (await membersOf(upper))[0]?.length,
    ...(await storing(image)),
    gzip: await gzipProblems(),
  };
}

/** Copies an index of two images into another store, and reads it back. */
async function storing(image: Image): Promise<Readonly<Record<string, unknown>>> {
  const index = indexOfImages([image, emptyImage(parsePlatform('linux/amd64'))]);
  const copy = new MemoryBlobStore();
  await copyContent(index.content, index.index.manifests[0] ?? image.descriptor, {
    blob: async (descriptor, open) => void (await copy.put(open(), descriptor)),
    document: async (descriptor, bytes) => void (await copy.put(bytes, descriptor)),
  });
  const again = await fromBlobs(copy, image.descriptor);
  const stored: string[] = [];
  for await (const { digest, size } of copy.list()) stored.push(`${digest} ${size}`);
  const problems = await validateImage(copy, again.descriptor);
  const damaged = await new MemoryBlobStore()
    .put(new Uint8Array(3), { digest: image.descriptor.digest })
    .catch((error: unknown) => codeOf(error));
  return {
    stored,
    problems,
    damaged,
    selected: formatPlatform((await selectImage(index, parsePlatform('linux/amd64'))).config),
    content: await blobContent(copy)
      .document(again.descriptor)
      .then((bytes) => bytes.length),
    decoded: decodeImageConfig(again.rawConfig).config?.Labels,
  };
}

/** A layer compressed by the platform, judged by the core. The bytes may differ between platforms, the judgement not. */
async function gzipProblems(): Promise<readonly unknown[]> {
  const blobs = new MemoryBlobStore();
  const tar = tarOf({ file: 'content' });
  const packed = new Response(new Blob([tar]).stream().pipeThrough(new CompressionStream('gzip')));
  const info = await blobs.put(new Uint8Array(await packed.arrayBuffer()));
  const layer = layerOf(blobs, { mediaType: MediaType.ociLayerGzip, ...info }, sha256Digest(tar));
  const image = appendLayers(emptyImage(parsePlatform('linux/amd64')), [{ layer }]);
  await blobs.put(image.rawManifest);
  await blobs.put(image.rawConfig);
  const wrong = appendLayers(emptyImage(parsePlatform('linux/amd64')), [
    { layer: { ...layer, diffID: sha256Digest('other') } },
  ]);
  await blobs.put(wrong.rawManifest);
  await blobs.put(wrong.rawConfig);
  const found = [await validateImage(blobs, image.descriptor), await validateImage(blobs, wrong.descriptor)];
  return found.map((problems) => problems.map(({ where }) => where));
}

function tarOf(files: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  const parts = Object.entries(files).flatMap(([name, text]) => {
    const content = new TextEncoder().encode(text);
    const padding = new Uint8Array((512 - (content.length % 512)) % 512);
    return [encodeTarHeader(fileEntry(name, content.length)), content, padding];
  });
  const bytes = [...parts, END_OF_ARCHIVE];
  const tar = new Uint8Array(bytes.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of bytes) {
    tar.set(part, at);
    at += part.length;
  }
  return tar;
}

function fileEntry(name: string, size: number): TarEntry {
  const none = { linkPath: '', devMajor: 0, devMinor: 0 };
  const mtime = { seconds: -1, nanoseconds: 5 };
  return { path: utf8ToByteString(name), type: 'file', mode: 0o644, uid: 0, gid: 3_000_000, size, mtime, ...none };
}

async function storedLayer(blobs: MemoryBlobStore, tar: Uint8Array): Promise<ImageLayer> {
  const info = await blobs.put(tar);
  return layerOf(blobs, { mediaType: MediaType.ociLayer, ...info }, info.digest);
}

function layerOf(
  blobs: MemoryBlobStore,
  descriptor: ImageLayer['descriptor'],
  diffID: ImageLayer['diffID'],
): ImageLayer {
  return { descriptor, diffID, open: () => blobs.open(descriptor.digest) };
}

async function membersOf(layer: ImageLayer): Promise<readonly string[]> {
  const members: string[] = [];
  for await (const { entry, content } of readTar(layer.open())) {
    let size = 0;
    for await (const chunk of content) size += chunk.length;
    members.push(`${entry.path} ${entry.gid} ${entry.mtime.seconds}.${entry.mtime.nanoseconds} ${size}`);
  }
  return members;
}

function codeOf(failure: unknown): string {
  if (failure instanceof OciError) return failure.code;
  if (typeof failure !== 'function') return String(failure);
  try {
    return `no error: ${String(failure())}`;
  } catch (error) {
    return codeOf(error);
  }
}
