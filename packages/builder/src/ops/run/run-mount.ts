import type { JsonValue } from '@tsbuild/oci';
import type { SourceTree } from '../../context/source-tree.ts';
import type { CacheSharing } from '../../mounts/cache-mounts.ts';
import type { Vertex } from '../../solver/vertex.ts';
import type { LayerOutput, Rootfs } from '../rootfs.ts';

/** Where a mount's files come from. */
type MountOrigin =
  /** `name`: of a named context. */
  | { readonly kind: 'context'; readonly tree: () => SourceTree; readonly name?: string }
  | { readonly kind: 'rootfs'; readonly rootfs: Vertex<Rootfs, LayerOutput> };

/** Mode and owner of a file, a socket or a new directory. */
interface Access {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface BindMount {
  readonly kind: 'bind';
  readonly target: string;
  readonly from: MountOrigin;
  /** A path from the root of `from`. */
  readonly source: string;
  readonly readOnly: boolean;
}
export interface CacheMount {
  readonly kind: 'cache';
  readonly target: string;
  readonly namespace: string;
  readonly id: string;
  readonly sharing: CacheSharing;
  readonly readOnly: boolean;
  /** What a new cache is filled with: `source` of `from`. */
  readonly from: Extract<MountOrigin, { kind: 'rootfs' }> | undefined;
  readonly source: string;
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}
interface TmpfsMount {
  readonly kind: 'tmpfs';
  readonly target: string;
  readonly size: number | undefined;
}
export interface SecretMount extends Access {
  readonly kind: 'secret';
  readonly id: string;
  /** The file, and the variable, that it becomes. */
  readonly target: string | undefined;
  readonly env: string | undefined;
  readonly required: boolean;
}
export interface SshMount extends Access {
  readonly kind: 'ssh';
  readonly id: string;
  readonly target: string;
  readonly required: boolean;
}
/** A heredoc that begins with `#!`: a program that is there while it runs. */
interface ScriptMount {
  readonly kind: 'script';
  readonly target: string;
  readonly content: string;
}

/** One mount of a RUN with everything expanded. Targets are absolute and clean. */
export type MountRequest = BindMount | CacheMount | TmpfsMount | SecretMount | SshMount | ScriptMount;

/** Where a mount's files come from, when another step makes them. */
export function rootfsOf(mount: MountRequest): Vertex<Rootfs, LayerOutput> | undefined {
  if (mount.kind !== 'bind' && mount.kind !== 'cache') return undefined;
  return mount.from?.kind === 'rootfs' ? mount.from.rootfs : undefined;
}

/** What the files that a mount shows are called among the inputs of its step. */
export function mountInput({ target }: Pick<BindMount, 'target'>): string {
  return `mount ${target}`;
}

/**
 * What of a mount enters the key beside the content that it shows. A cache's name, sharing and content do not, as what they
 * change must not change the result; a secret's value never does. Access to a cache does where it is said: a command may
 * not be able to write to one of another user.
 */
export function mountDefinition(mount: MountRequest): JsonValue {
  const { kind } = mount;
  switch (mount.kind) {
    case 'bind':
      return { kind, target: mount.target, readOnly: mount.readOnly };
    case 'cache': {
      const { target, readOnly, mode, uid, gid } = mount;
      const access = { ...(mode === undefined ? {} : { mode }), ...(uid === undefined ? {} : { uid }) };
      return { kind, target, readOnly, ...access, ...(gid === undefined ? {} : { gid }) };
    }
    case 'tmpfs':
      return { kind, target: mount.target, size: mount.size ?? null };
    case 'secret': {
      const { id, target, env, required, mode, uid, gid } = mount;
      return { kind, id, target: target ?? null, env: env ?? null, required, mode, uid, gid };
    }
    case 'ssh': {
      const { id, target, required, mode, uid, gid } = mount;
      return { kind, id, target, required, mode, uid, gid };
    }
    case 'script':
      return { kind, target: mount.target, content: mount.content };
  }
}
