import { execFileSync } from 'node:child_process';
import { link, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Files of a folder to be packed; a string value that begins with `->` or `=>` is a symlink or hard link. */
export type Files = Readonly<Record<string, Uint8Array | string>>;

/** Packs with GNU tar, in the order given. */
export async function packed(scratch: string, files: Files, args: readonly string[] = []): Promise<string> {
  const folder = await mkdtemp(join(scratch, 'pack-'));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    if (typeof content === 'string' && content.startsWith('->')) await symlink(content.slice(2), join(folder, name));
    else if (typeof content === 'string' && content.startsWith('=>')) {
      await link(join(folder, content.slice(2)), join(folder, name));
    } else await writeFile(join(folder, name), content);
  }
  const path = `${folder}.tar`;
  execFileSync('tar', [...args, '-cf', path, '-C', folder, ...Object.keys(files)]);
  return path;
}

/** Bytes in chunks of `size`. */
export async function* stream(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
