import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Digest } from '@tsbuild/oci';
import { writeFileAtomic } from '@tsbuild/oci/internal';
import type { BuildOptions } from './build-options.ts';
import type { HostEntry } from '../executor/executor.ts';
import { selectExecutor } from '../executor/select.ts';
import type { Sandbox } from '../ops/dependencies.ts';
import { selectSnapshotter } from '../snapshot/select.ts';
import type { Store } from '../store/store.ts';

/** `hostname` is the sandbox's own name. */
type SandboxOptions = Pick<BuildOptions, 'isolation' | 'hosts' | 'beforeCommands'> & { readonly hostname: string };

/** The sandbox of this machine, made when first asked for: a fully cached build never does. */
export function lazySandbox(
  store: Store,
  options: SandboxOptions,
  notice: (text: string) => void,
): () => Promise<Sandbox> {
  let sandbox: Promise<Sandbox> | undefined;
  return () => (sandbox ??= makeSandbox(store, options, notice));
}

async function makeSandbox(
  store: Store,
  { isolation, hosts = [], hostname, beforeCommands }: SandboxOptions,
  notice: (text: string) => void,
): Promise<Sandbox> {
  await beforeCommands?.();
  const [executor, snapshotter] = await Promise.all([
    selectExecutor(isolation, { scratch: store.directory('sandbox'), notice }),
    selectSnapshotter(
      {
        directory: store.directory('snapshots'),
        mounts: store.directory('mounts'),
        blobs: store.layout.blobs,
        indexes: store.indexes,
        notice,
      },
      isolation === 'chroot',
    ),
  ]);
  const files = { hosts: await hostsFile(store, hosts, hostname), resolvConf: '/etc/resolv.conf' };
  return { executor, snapshotter, files };
}

/**
 * The sandbox's /etc/hosts: its own name and localhost, nothing of the host's file, and what `--add-host` adds. The file
 * is named after its content, as builds with other hosts may run at the same time.
 */
async function hostsFile(store: Store, added: readonly HostEntry[], hostname: string): Promise<string> {
  await mkdir(store.directory('sandbox'), { recursive: true, mode: 0o700 });
  const own = `127.0.0.1\tlocalhost ${hostname}\n::1\tlocalhost ip6-localhost ip6-loopback\n`;
  const text = own + added.map(({ name, address }) => `${address}\t${name}\n`).join('');
  const isUsual = added.length === 0 && hostname === 'buildkitsandbox';
  const suffix = isUsual ? '' : `-${sha256Digest(text).slice('sha256:'.length, 'sha256:'.length + 16)}`;
  const path = join(store.directory('sandbox'), `hosts${suffix}`);
  // The command may be another user than root: it must be able to read it, whatever our umask is.
  await writeFileAtomic(path, text, { mode: 0o644, exact: true });
  return path;
}
