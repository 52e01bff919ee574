/* A program for memory.test.ts: pushes a large blob, then copies it to another repository, and tells its peak memory. */
import { createHash } from 'node:crypto';
import type { Descriptor } from '../../src/spec/descriptor.ts';
import { parseReference } from '../../src/spec/reference.ts';
import { RegistryClient } from '../../src/registry/client.ts';

const PART = 64 * 1024;
const [host = '', size = ''] = process.argv.slice(2);
const total = Number(size);

/** Never the same twice within the blob, and quick to make. */
async function* content(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < total; at += PART) {
    const part = Buffer.alloc(Math.min(PART, total - at), at % 251);
    part.writeUInt32LE(at % 2 ** 32);
    yield part;
  }
}

async function describe(): Promise<Descriptor> {
  const hash = createHash('sha256');
  for await (const part of content()) hash.update(part);
  return { mediaType: 'application/octet-stream', digest: `sha256:${hash.digest('hex')}`, size: total };
}

const client = new RegistryClient({ environment: {} });
const from = parseReference(`${host}/memory/from`);
const descriptor = await describe();
const before = process.resourceUsage().maxRSS;
const pushed = await client.pushBlob(from, descriptor, content);
const afterPush = process.resourceUsage().maxRSS;
const copied = await client.pushBlob(parseReference(`${host}/memory/to`), descriptor, () =>
  client.blob(from, descriptor),
);
client.close();
process.stdout.write(JSON.stringify({ pushed, copied, before, afterPush, afterCopy: process.resourceUsage().maxRSS }));
