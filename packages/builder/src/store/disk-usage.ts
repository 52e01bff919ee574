import { lstatSync, readdirSync, type Stats } from 'node:fs';

/** What a file or a directory with all that is in it takes on the disk, bytes; 0 for what is not there. Hard links count once. */
export function diskUsage(path: string): number {
  const seen = new Set<string>();
  let total = 0;
  const pending: Buffer[] = [Buffer.from(path)];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const stats = statOf(next);
    if (stats === undefined) continue;
    if (stats.nlink > 1 && !stats.isDirectory()) {
      const inode = `${stats.dev}:${stats.ino}`;
      if (seen.has(inode)) continue;
      seen.add(inode);
    }
    total += stats.blocks * 512;
    if (stats.isDirectory())
      for (const name of namesIn(next)) pending.push(Buffer.concat([next, Buffer.from('/'), name]));
  }
  return total;
}

function statOf(path: Buffer): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined; // It went meanwhile.
  }
}

function namesIn(path: Buffer): readonly Buffer[] {
  try {
    return readdirSync(path, { encoding: 'buffer' });
  } catch {
    return [];
  }
}
