import { BuildError } from '../diagnostics/build-error.ts';
import { ChrootExecutor } from './chroot/chroot-executor.ts';
import { hasCapability, missingForChroot } from './capabilities.ts';
import type { Executor, Isolation } from './executor.ts';
import { requireTool } from './host-tools.ts';
import { readIdMaps } from './id-map.ts';
import { NamespacesExecutor } from './namespaces-executor.ts';
import { isProcessPrepared } from './prepare-process.ts';
import { procSource } from './procfs/surrounding-proc.ts';
import { findRuntime, RuncExecutor, runtimeFor } from './runc-executor.ts';
import { isThreadConfined } from './seccomp/confine-thread.ts';
import { explainUserNamespaces } from './user-namespace.ts';

/** What an executor needs of its surroundings. */
export interface ExecutorOptions {
  /** A directory of the store for mount points; made when missing, and nothing of a single run stays in it. */
  readonly scratch: string;
  /** Told what the chosen mode lacks, one line for people. */
  readonly notice?: (text: string) => void;
}

/**
 * The executor that this machine can run: runc or crun when there is one (seccomp, device cgroup), else the kernel's
 * namespaces by util-linux alone.
 * It works with the process as it is: see `prepareProcess`.
 * @throws BuildError `SANDBOX_UNAVAILABLE` saying what is missing and how to get it
 */
export async function selectExecutor(isolation: Isolation, options: ExecutorOptions): Promise<Executor> {
  if (isolation === 'chroot') return chrootExecutor(options);
  requirePrivilege();
  for (const tool of ['setpriv', 'unshare', 'mount']) requireTool(tool);
  const nested = readIdMaps().nested;
  if (isolation === 'runc') {
    if (findRuntime() === undefined) {
      throw new BuildError('SANDBOX_UNAVAILABLE', '--isolation runc: neither runc nor crun is on this machine', {
        hint: 'Install the package runc or crun, or use --isolation namespaces.',
      });
    }
    if (nested) {
      throw new BuildError(
        'SANDBOX_UNAVAILABLE',
        '--isolation runc needs root: an ordinary user has no cgroups to give',
        {
          hint: 'Use --isolation namespaces (or leave the option out).',
        },
      );
    }
  }
  const runtime = runtimeFor(isolation, nested);
  if (runtime !== undefined) return new RuncExecutor({ scratch: options.scratch, runtime });
  const lacking = lackingIn(nested);
  if (lacking !== undefined) options.notice?.(lacking);
  const proc = procSource(nested);
  if (proc === 'shared') options.notice?.(SHARED_PROC);
  return new NamespacesExecutor({ scratch: options.scratch, proc });
}

const SHARED_PROC =
  "this container hides parts of /proc, so RUN gets the container's own /proc: it sees the processes here, and RUN steps at the same time see each other's files and variables (unmask it: --security-opt systempaths=unconfined, in Kubernetes procMount: Unmasked)";

function chrootExecutor(options: ExecutorOptions): ChrootExecutor {
  for (const tool of ['setpriv', 'nsenter']) requireTool(tool);
  const missing = missingForChroot();
  if (process.geteuid?.() !== 0 || missing.length > 0) {
    const lacks = missing.length === 0 ? '' : ` (${missing.join(', ')} missing)`;
    throw new BuildError('SANDBOX_UNAVAILABLE', `--isolation chroot needs root that may change its root${lacks}`, {
      hint: 'Docker and containerd give these capabilities by default; CRI-O (OpenShift) does not: add SYS_CHROOT and SETPCAP in securityContext.capabilities.',
    });
  }
  options.notice?.(NO_SANDBOX);
  return new ChrootExecutor(options);
}

const NO_SANDBOX =
  '--isolation chroot is no sandbox: RUN is root of this container and can read and change everything in it, tsbuild and its credentials too; build only Dockerfiles you trust';

/** What commands can do that they should not, as this process is. */
function lackingIn(nested: boolean): string | undefined {
  if (!isProcessPrepared())
    return 'RUN has no seccomp filter and sees the keyrings of this process, which has not called prepareProcess(): build only Dockerfiles you trust';
  if (isThreadConfined() || nested) return undefined;
  return 'RUN has no seccomp filter here (install runc, or koffi): build only Dockerfiles you trust';
}

const CAP_SYS_ADMIN = 21n;

function requirePrivilege(): void {
  if (process.geteuid?.() !== 0) {
    explainUserNamespaces();
    throw new BuildError('SANDBOX_UNAVAILABLE', 'commands can be run as root or in a user namespace only', {
      hint: 'The tsbuild command makes the user namespace itself; programs call runInUserNamespace() first.',
    });
  }
  if (hasCapability(CAP_SYS_ADMIN)) return;
  throw new BuildError('SANDBOX_UNAVAILABLE', 'this root user may not make namespaces (CAP_SYS_ADMIN is missing)', {
    hint: 'Inside a container: start it with --privileged, run tsbuild there as an ordinary user, or build Dockerfiles you trust with --isolation chroot (no sandbox).',
  });
}
