import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DirectoryWatcher, floodLimit } from '../../src/watch/directory-watcher.ts';
import { isNoise, watchedFiles } from '../../src/watch/watched-files.ts';
import { temporaryDirectory } from '../testing-host.ts';

describe('a watched directory', () => {
  const watching = async () => {
    const folder = await temporaryDirectory();
    const seen: string[] = [];
    const watcher = new DirectoryWatcher((path) => seen.push(path));
    const sees = async (path: string): Promise<void> => {
      const end = Date.now() + 20_000;
      while (!seen.includes(path)) {
        if (Date.now() > end) throw new Error(`${path} was not seen, but ${seen.join(' ')}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      seen.length = 0;
    };
    return { folder, watcher, sees };
  };

  it('tells every path by its bytes', async () => {
    const { folder, watcher, sees } = await watching();
    using _ = watcher;
    watcher.add(folder);
    const name = Buffer.from(`${folder}/\xff\xfe`, 'latin1');
    writeFileSync(name, 'x');
    await sees(name.toString('latin1'));
    rmSync(name);
    await sees(name.toString('latin1'));
    expect(watcher.size).toBe(1);
  });

  it('is watched anew when another one took its place, and left when it went', async () => {
    const { folder, watcher, sees } = await watching();
    using _ = watcher;
    const inner = join(folder, 'inner');
    mkdirSync(inner);
    watcher.add(folder);
    watcher.add(inner);
    expect(watcher.size).toBe(2);
    renameSync(inner, join(folder, 'moved'));
    await sees(inner);
    mkdirSync(inner);
    watcher.add(inner);
    writeFileSync(join(inner, 'file'), '');
    await sees(join(inner, 'file'));
    // A child of the same name is not the directory itself.
    mkdirSync(join(inner, 'inner'));
    await sees(join(inner, 'inner'));
    writeFileSync(join(inner, 'again'), '');
    await sees(join(inner, 'again'));
    rmSync(inner, { recursive: true });
    await sees(inner);
    watcher.add(inner);
    expect(watcher.size).toBe(1);
    expect(watcher.failed).toBe(false);
  });

  it('has a limit of events', () => {
    expect(floodLimit()).toBeGreaterThan(0);
  });
});

describe('paths that nobody wants to hear of', () => {
  it("are an editor's and the build's own, but never the Dockerfile's", async () => {
    const folder = await temporaryDirectory();
    writeFileSync(join(folder, 'Dockerfile~'), '');
    const files = watchedFiles(folder, join(folder, 'Dockerfile~'), [join(folder, 'out.tar'), join(folder, 'store')]);
    const noise = ['.a.js.swp', 'a~', '.#a', '#a#', '4913', 'out.tar', '.out.tar.12-abc.tmp', 'store/x/y', 'store'];
    for (const name of noise) expect([name, isNoise(join(folder, name), files)]).toEqual([name, true]);
    for (const name of ['a.js', 'Dockerfile~', '.dockerignore', 'out.tar.gz', 'storehouse', '.x.tmp', 'a.swp']) {
      expect([name, isNoise(join(folder, name), files)]).toEqual([name, false]);
    }
    expect(files.directories).toEqual([folder]);
  });
});
