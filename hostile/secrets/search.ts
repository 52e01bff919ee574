import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

/** A place that holds a secret. */
export interface Hit {
  readonly name: string;
  readonly encoding: string;
  readonly path: string;
}

/** Every way in which a word may be written down. */
function encodingsOf(word: string): ReadonlyMap<string, Buffer> {
  const bytes = Buffer.from(word);
  const base64 = [0, 1, 2].map((offset): [string, Buffer] => {
    // What stands before and after in the same triple is unknown: only the characters that the word alone decides.
    const text = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    return [`base64, offset ${offset}`, Buffer.from(text.slice(offset === 0 ? 0 : offset + 1, -1))];
  });
  const url = base64.map(([name, text]): [string, Buffer] => [
    `URL-safe ${name}`,
    Buffer.from(text.toString().replaceAll('+', '-').replaceAll('/', '_')),
  ]);
  return new Map([
    ['raw', bytes],
    ['hex', Buffer.from(bytes.toString('hex'))],
    ['HEX', Buffer.from(bytes.toString('hex').toUpperCase())],
    ['URL-encoded', Buffer.from(encodeURIComponent(word))],
    ['JSON', Buffer.from(JSON.stringify(word).slice(1, -1))],
    ['UTF-16', Buffer.from(word, 'utf16le')],
    ...base64,
    ...url,
  ]);
}

/** Searches every file below `folder`, and what is packed by gzip in it. */
export function search(
  folder: string,
  words: ReadonlyMap<string, string>,
): { readonly hits: readonly Hit[]; readonly files: number } {
  const needles = [...words].flatMap(([name, word]) =>
    [...encodingsOf(word)].map(([encoding, bytes]) => ({ name, encoding, bytes })),
  );
  const hits: Hit[] = [];
  const look = (bytes: Buffer, path: string): void => {
    for (const needle of needles)
      if (bytes.includes(needle.bytes)) hits.push({ name: needle.name, encoding: needle.encoding, path });
    for (let at = bytes.indexOf(GZIP); at >= 0; at = bytes.indexOf(GZIP, at + 1)) {
      const unpacked = gunzip(bytes.subarray(at));
      if (unpacked !== undefined) look(unpacked, `${path} (gunzipped at ${at})`);
    }
  };
  let files = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    look(Buffer.from(path), `the name ${path}`);
    if (!entry.isFile()) continue;
    files++;
    look(readFileSync(path), path);
  }
  return { hits, files };
}

const GZIP = Buffer.of(0x1f, 0x8b, 0x08);

function gunzip(bytes: Buffer): Buffer | undefined {
  try {
    return gunzipSync(bytes);
  } catch {
    return undefined; // Three bytes that look like one, or something after its end.
  }
}

/** The encodings that the search would miss: it must find what is planted. */
export function blindness(folder: string): readonly string[] {
  mkdirSync(folder);
  const word = 'planted+word~0123456789abcdef';
  return [...encodingsOf(word)].flatMap(([encoding, bytes], i) => {
    const text = Buffer.concat([Buffer.from('before '), bytes, Buffer.from(' after')]);
    const file = join(folder, String(i));
    writeFileSync(file, text);
    const plain = search(folder, new Map([['planted', word]])).hits.some((hit) => hit.encoding === encoding);
    writeFileSync(file, Buffer.concat([Buffer.from('before '), gzipSync(text)]));
    const packed = search(folder, new Map([['planted', word]])).hits.some((hit) => hit.encoding === encoding);
    rmSync(file);
    return [...(plain ? [] : [encoding]), ...(packed ? [] : [`${encoding}, gunzipped`])];
  });
}
