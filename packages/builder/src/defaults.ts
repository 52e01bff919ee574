import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@tsbuild/oci/node';
import { type Isolation, selectExecutor } from './executor/select.ts';
import type { Sandbox } from './ops/dependencies.ts';
import { selectSnapshotter } from './snapshot/select.ts';
import type { Store } from './store.ts';

/** The sandbox of this machine, made when first asked for: a fully cached build never does. */
export function lazySandbox(
  store: Store,
  isolation: Isolation,
  notice: (text: string) => void,
): () => Promise<Sandbox> {
  let sandbox: Promise<Sandbox> | undefined;
  return () => (sandbox ??= makeSandbox(store, isolation, notice));
}

async function makeSandbox(store: Store, isolation: Isolation, notice: (text: string) => void): Promise<Sandbox> {
  const [executor, snapshotter] = await Promise.all([
    selectExecutor(isolation, { scratch: store.directory('sandbox'), notice }),
    selectSnapshotter({
      directory: store.directory('snapshots'),
      mounts: store.directory('mounts'),
      blobs: store.layout.blobs,
      indexes: store.indexes,
      notice,
    }),
  ]);
  return { executor, snapshotter, files: { hosts: await hostsFile(store), resolvConf: '/etc/resolv.conf' } };
}

/** The sandbox's /etc/hosts: its own name and localhost, nothing of the host's file. */
async function hostsFile(store: Store): Promise<string> {
  await mkdir(store.directory('sandbox'), { recursive: true });
  const path = join(store.directory('sandbox'), 'hosts');
  await writeFileAtomic(path, '127.0.0.1\tlocalhost buildkitsandbox\n::1\tlocalhost ip6-localhost ip6-loopback\n');
  return path;
}
