import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BlobInfo } from '@tsbuild/oci';
import type { Executor } from '../src/executor/executor.ts';
import type { Snapshotter } from '../src/snapshot/snapshotter.ts';
import type { SnapshotterOptions } from '../src/snapshot/overlay-snapshotter.ts';
import { readTar } from '@tsbuild/oci/node';
import { CHANGE_SEQUENCES, LIST_TREE } from './change-sequences.ts';
import { IN_USER_NAMESPACE, NO_SANDBOX } from './busybox-root.ts';
import { addFile, describeLayer, entryOf, layerContent, SnapshotStore } from './snapshot-store.ts';

/** How the snapshotter under test and an executor for its roots are made. */
export interface SnapshotterContractOptions {
  readonly snapshotter: (options: SnapshotterOptions) => Snapshotter;
  readonly executor: (scratch: string) => Executor;
}

/** The contract of the seam `Snapshotter`, with real commands. */
export function snapshotterContract(name: string, options: SnapshotterContractOptions): void {
  describe.skipIf(NO_SANDBOX !== '')(`snapshotter contract: ${name}${NO_SANDBOX}`, () => {
    let store: SnapshotStore;
    let tools: { snapshotter: Snapshotter; executor: Executor };
    let base: BlobInfo;
    beforeAll(async () => {
      store = new SnapshotStore();
      tools = makeTools(store);
      base = await store.busyboxLayer();
    });
    afterAll(() => store[Symbol.asyncDispose]());

    const makeTools = (of: SnapshotStore) => ({
      snapshotter: options.snapshotter(of.options),
      executor: options.executor(join(of.directory, 'sandbox')),
    });

    /** Runs the scripts one on top of the other and gives each one's layer. */
    const steps = async (...scripts: readonly string[]): Promise<BlobInfo[]> => {
      const layers: BlobInfo[] = [];
      for (const script of scripts) layers.push(await store.run(tools, [base, ...layers], script));
      return layers;
    };
    const change = async (before: string, script: string): Promise<readonly string[]> => {
      const layers = await steps(before, script);
      return layerContent(store, layers[1] ?? base);
    };

    describe('what becomes the layer', () => {
      it('is nothing when nothing changed', async () => {
        expect(await change('true', 'true')).toEqual([]);
        expect(
          await change('mkdir /d; echo 1 >/d/f', 'cat /d/f /etc/passwd >/dev/null; ls /d /etc >/dev/null'),
        ).toEqual([]);
      });

      it('has a directory whose time was set or moved, as Docker has it, and none above or below', async () => {
        const [, layer = base] = await steps(
          'mkdir -p /d/e /u; echo 1 >/d/e/f',
          'touch -d @86400 /d /etc; touch /u/x; rm /u/x',
        );
        const entries = [...(await store.indexes.get(layer.digest)).entries()];
        expect(entries.map(({ path }) => path)).toEqual(['d', 'etc', 'u']);
        expect(entries.slice(0, 2).map(({ mtime }) => mtime.seconds)).toEqual([86_400, 86_400]);
      });

      it('is nothing when a file was copied up and is the same again', async () => {
        expect(await change('echo 1 >/f', 'chmod 600 /f; chmod 644 /f')).toEqual([]);
        expect(await change('echo 1 >/f; touch -d @1000 /f', 'touch -d @2000 /f; touch -d @1000 /f')).toEqual([]);
      });

      it('is a change of content, of mode alone, a deletion, an addition', async () => {
        const before =
          'mkdir /etc/dir1 /etc/dir2; echo a >/etc/hosts; echo b >/etc/profile; chmod 600 /etc/profile; echo c >/etc/unexpected; echo d >/etc/unchanged';
        const script =
          'echo new >/etc/hosts; chmod 666 /etc/profile; rm /etc/unexpected; mkdir /root/d; echo x >/root/d/f';
        expect(await change(before, script)).toEqual([
          'etc/',
          '!etc/unexpected',
          'etc/hosts=new\n',
          'etc/profile=b\n',
          'root/',
          'root/d/',
          'root/d/f=x\n',
        ]);
      });

      it('finds content that changed while size and time stayed, when times are whole seconds', async () => {
        const before = 'for i in 1 2; do echo aaa >/f$i; touch -d @5000 /f$i; done';
        expect(await change(before, 'echo bbb >/f1; echo aaa >/f2; touch -d @5000 /f1 /f2')).toEqual(['f1=bbb\n']);
      });

      it('has one whiteout for the top of a removed tree', async () => {
        expect(await change('mkdir -p /d0/a/b /d1/c; echo 1 >/d0/a/b/f', 'rm -rf /d0 /d1')).toEqual(['!d0', '!d1']);
        expect(
          await change('mkdir /dir1 /dir1-before; echo 1 >/dir1/f; echo 1 >/dir1-before/f', 'rm -rf /dir1'),
        ).toEqual(['!dir1']);
      });

      it('says what a directory lost that was made anew, and what of it is back', async () => {
        const before =
          'mkdir -p /d/sub/deep /d/gone; for f in /d/1 /d/2 /d/sub/3 /d/sub/deep/4 /d/gone/5; do echo old >$f; done';
        expect(await change(before, 'rm -rf /d; mkdir -p /d/sub; echo new >/d/1; echo new >/d/sub/9')).toEqual([
          'd/',
          '!d/2',
          '!d/gone',
          'd/1=new\n',
          'd/sub/',
          '!d/sub/3',
          '!d/sub/deep',
          'd/sub/9=new\n',
        ]);
      });

      it('moves directories', async () => {
        expect(await change('mkdir /d; echo 1 >/d/f', 'mv /d /e')).toEqual(['!d', 'e/', 'e/f=1\n']);
      });

      it('replaces a file by a directory, a directory by a file, either by a link', async () => {
        expect(await change('echo 1 >/x', 'rm /x; mkdir /x; echo 2 >/x/y')).toEqual(['x/', 'x/y=2\n']);
        expect(await change('mkdir /x; echo 1 >/x/y', 'rm -r /x; echo 2 >/x')).toEqual(['x=2\n']);
        expect(await change('mkdir /x; echo 1 >/x/y; echo 1 >/z', 'rm -r /x /z; ln -s /etc /x; ln -s x /z')).toEqual([
          'x -> /etc',
          'z -> x',
        ]);
        expect(await change('ln -s /etc /x', 'rm /x; mkdir /x; echo 1 >/x/f')).toEqual(['x/', 'x/f=1\n']);
      });

      it('keeps modes of parents, and has only the directories on the way', async () => {
        const before = 'mkdir -p /a/b/c /other; chmod 700 /a; chmod 751 /a/b; chmod 777 /a/b/c; echo 1 >/a/b/c/f';
        const layers = await steps(before, 'echo 22 >/a/b/c/f');
        expect(describeLayer(await store.indexes.get((layers[1] ?? base).digest))).toEqual([
          'directory 700 0:0 a', 'directory 751 0:0 a/b', 'directory 777 0:0 a/b/c', 'file 644 0:0 a/b/c/f 3',
        ]); // biome-ignore format: one list
      });

      it('keeps owners, setuid bits, sticky bits, fifos, names that are not UTF-8', async () => {
        const script = `cd /; mkdir d; chmod 1777 d; echo x >s; chown 33:44 s; chmod 4755 s; mkfifo p; ln -s d l; chown -h 5:6 l
          touch "$(printf 'a\\377b')" 'back\\slash'`;
        expect(describeLayer((await store.run(tools, [base], script)).index)).toEqual([
          'file 644 0:0 a\xffb 0',
          'file 644 0:0 back\\slash 0',
          'directory 1777 0:0 d',
          'symlink 777 5:6 l -> d',
          'fifo 644 0:0 p',
          'file 4755 33:44 s 2',
        ]);
      });

      it.skipIf(IN_USER_NAMESPACE)('keeps device nodes (as root: nobody else can make them)', async () => {
        const { index } = await store.run(tools, [base], 'mknod /c c 1 3; mknod /b b 259 1048575');
        const nodes = [...index.entries()].map(({ path, type, devMajor, devMinor }) => [
          path,
          type,
          devMajor,
          devMinor,
        ]);
        expect(nodes).toEqual([['b', 'block', 259, 1_048_575], ['c', 'char', 1, 3]]); // biome-ignore format: one line
      });

      it('makes the same bytes on any machine, as root and as an ordinary user', async () => {
        const script = `mkdir -p /srv/app /srv/gone; cd /srv/app; echo content >file; ln file other; ln -s file link; chown 33:44 file; chmod 4750 file
          echo ext >>/etc/passwd; rm /etc/group; mkfifo pipe; chmod 2775 /srv; touch -d @86400 old; rm -rf /srv/gone /tmp; mkdir -m 1777 /tmp`;
        const { digest } = await store.run(tools, [base], script, { times: { epoch: 1_000_000_000 } });
        expect(digest).toBe('sha256:c008ba6d8e80fb19b4bf3bcd4f0d3a5d0cedcb06f8cbde4dfe5eff254e2a3d1e');
      });

      it('comes in the order that every engine accepts', async () => {
        const [, top] = await steps(
          'mkdir -p /d /d-e; echo 1 >/d/a; echo 1 >/d/z; echo 1 >/d-e/f',
          'rm /d/a /d/z /d-e/f; touch /d/!x /d/y; rm -rf /root',
        );
        const names: string[] = [];
        for await (const { entry } of readTar(store.blobs.open((top ?? base).digest))) names.push(entry.path);
        expect(names).toEqual(['.wh.root', 'd/', 'd-e/', 'd-e/.wh.f', 'd/.wh.a', 'd/.wh.z', 'd/!x', 'd/y']);
      });

      it('keeps hard links of new files, the first name being the file', async () => {
        const layer = await store.run(tools, [base], 'cd /root; echo x >b; ln b a; ln b c; echo y >d');
        expect(await layerContent(store, layer)).toEqual([
          'root/',
          'root/a=x\n',
          'root/b = root/a',
          'root/c = root/a',
          'root/d=y\n',
        ]);
      });

      it('has both names when a file of a lower layer gets one more', async () => {
        expect(await change('echo x >/root/m', 'ln /root/m /root/z')).toEqual([
          'root/',
          'root/m=x\n',
          'root/z = root/m',
        ]);
        expect(await change('echo x >/root/m', 'ln /root/m /root/a')).toEqual([
          'root/',
          'root/a=x\n',
          'root/m = root/a',
        ]);
      });

      it('has nothing of what was mounted', async () => {
        const files = [
          { path: '/etc/resolv.conf', source: '/etc/hostname' },
          { path: '/etc/deep/er/file', source: '/etc/hostname' },
        ];
        const layer = await store.run(
          tools,
          [base],
          'test -s /etc/resolv.conf; test -s /etc/deep/er/file; touch /dev/x /dev/shm/y',
          { files },
        );
        expect(describeLayer(layer.index)).toEqual([]);
        const kept = await store.run(tools, [base], 'echo 1 >/etc/deep/mine', { files });
        expect(await layerContent(store, kept)).toEqual(['etc/', 'etc/deep/', 'etc/deep/mine=1\n']);
      });

      it('has whole seconds, clamped to the epoch, also before 1970', async () => {
        const layer = await store.run(
          tools,
          [base],
          'touch /now; touch -d @1000 /early; touch -d "1965-01-01 00:00:00" /before',
          { times: { epoch: 500_000 } },
        );
        const times = Object.fromEntries(
          [...layer.index.entries()].map(({ path, mtime }) => [path, [mtime.seconds, mtime.nanoseconds]]),
        );
        expect(times).toEqual({ now: [500_000, 0], early: [1000, 0], before: [-157_766_400, 0] });
      });

      it('refuses names that mean removals', async () => {
        await expect(store.run(tools, [base], 'touch /etc/.wh.passwd')).rejects.toThrow('/etc/.wh.passwd');
        await expect(store.run(tools, [base], 'touch /etc/.wh..wh..opq')).rejects.toMatchObject({
          code: 'LAYER_INVALID',
        });
      });

      it('never hands over /proc or the like through links that a command leaves', async () => {
        const layer = await store.run(tools, [base], 'ln -s /proc/self/environ /e; ln -s /etc/shadow /s');
        expect(await layerContent(store, layer)).toEqual(['e -> /proc/self/environ', 's -> /etc/shadow']);
      });
    });

    describe('what the next command sees', () => {
      it.each(Object.entries(CHANGE_SEQUENCES))(
        'is what the last one left, unpacked or kept: %s',
        async (_, scripts) => {
          await using keeping = new SnapshotStore();
          const keepingTools = makeTools(keeping);
          const keptLayers: BlobInfo[] = [await keeping.busyboxLayer()];
          const layers: BlobInfo[] = [base];
          const times = { epoch: 1_500_000_000 };
          let left: string | undefined;
          for (const script of scripts) {
            const both = `${LIST_TREE}\necho ----\n${script}\n${LIST_TREE}`;
            const kept = await keeping.run(keepingTools, keptLayers, both, { times });
            const unpacked = await store.run(tools, layers, both, { times, keep: false });
            expect(kept.digest).toBe(unpacked.digest);
            expect(treeBefore(kept.output)).toBe(treeBefore(unpacked.output));
            expect(linkless(treeBefore(kept.output))).toBe(linkless(left ?? treeBefore(kept.output)));
            left = treeAfter(kept.output);
            expect(treeAfter(unpacked.output)).toBe(left);
            layers.push(unpacked);
            keptLayers.push(kept);
          }
          const seen = await store.run(tools, layers, LIST_TREE, { keep: false });
          expect(linkless(seen.output)).toBe(linkless(left ?? ''));
          expect(describeLayer(seen.index)).toEqual([]);
        },
      );

      it('has the modes, owners, links and times that the layer says', async () => {
        const layer = await store.layer(async (writer) => {
          writer.add({
            ...entryOf('d'),
            type: 'directory',
            mode: 0o1711,
            uid: 7,
            mtime: { seconds: 77, nanoseconds: 0 },
          });
          writer.add({
            ...entryOf('d/old'),
            type: 'symlink',
            linkPath: 'nowhere',
            mode: 0o777,
            mtime: { seconds: -100, nanoseconds: 0 },
          });
          await addFile(writer, 'd/setuid', Buffer.from('x'), 0o6711);
          writer.add({ ...entryOf('d/z'), type: 'hardlink', linkPath: 'd/setuid', mode: 0o6711 });
        });
        const { output } = await store.run(tools, [base, layer], "stat -c '%n %a %u %Y %h' /d /d/old /d/setuid /d/z");
        expect(output).toBe(
          '/d 1711 7 77 2\n/d/old 777 0 -100 1\n/d/setuid 6711 0 1000000000 2\n/d/z 6711 0 1000000000 2\n',
        );
      });

      it('follows whiteouts and opaque directories of foreign layers, also those without parents', async () => {
        const lower = await store.layer(async (writer) => {
          writer.add({ ...entryOf('app'), type: 'directory', mode: 0o750, uid: 12 });
          writer.add({ ...entryOf('app/sub'), type: 'directory', mode: 0o755 });
          await addFile(writer, 'app/gone', Buffer.from('1'));
          await addFile(writer, 'app/stays', Buffer.from('2'));
          await addFile(writer, 'app/sub/hidden', Buffer.from('3'));
        });
        const upper = await store.layer(async (writer) => {
          writer.whiteout('app/gone');
          await addFile(writer, 'app/new', Buffer.from('4'));
        });
        const { output } = await store.run(tools, [base, lower, upper], "cd /app; find . | sort; stat -c '%a %u' .");
        expect(output).toBe('.\n./new\n./stays\n./sub\n./sub/hidden\n750 12\n');
      });
    });

    it('runs over no layers at all but finds nothing to run', async () => {
      await expect(store.run(tools, [], 'true')).rejects.toThrow(/127/);
    });

    it('runs over 130 layers', async () => {
      const layers: BlobInfo[] = [base];
      for (let i = 0; i < 130; i++)
        layers.push(await store.layer((writer) => addFile(writer, `f${i}`, Buffer.from(String(i)))));
      const { output } = await store.run(tools, layers, 'cat /f0 /f64 /f129; ls / | grep -c ^f');
      expect(output).toBe('064129130\n');
    });

    it('unpacks a layer once for callers that come together', async () => {
      const layer = await store.layer((writer) => addFile(writer, 'shared', Buffer.from('s')));
      const outputs = await Promise.all(
        [1, 2, 3, 4].map(() => store.run(tools, [base, layer], 'cat /shared', { keep: false })),
      );
      expect(outputs.map(({ output }) => output)).toEqual(['s', 's', 's', 's']);
    });

    it('leaves nothing in its scratch space', () => {
      expect(readdirSync(store.options.mounts)).toEqual([]);
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(store.directory);
    });
  });
}

function treeBefore(output: string): string {
  return output.slice(0, output.indexOf('----\n'));
}

function treeAfter(output: string): string {
  return output.slice(output.indexOf('----\n') + 5);
}

/** Link counts can be higher for the command itself: overlayfs still counts names that the lower layers have. */
function linkless(listing: string): string {
  return listing.replace(/ \d+$/gm, '');
}
