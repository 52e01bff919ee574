import { byteStringToUtf8, utf8ToByteString } from '@tsbuild/oci';
import type { ByteString } from '@tsbuild/oci';
import { BuildError } from '../diagnostics/build-error.ts';
import type { RunMount, RunSpec, TmpfsOptions } from './executor.ts';
import { formatFstab, type MountLine } from './fstab.ts';
import { requireTool } from './host-tools.ts';
import type { IdMaps } from './id-map.ts';
import { rootLine } from './sandbox-mounts.ts';
import STAGE from './scripts/stage.sh';

/** What {@link stageMounts} needs of its surroundings. */
export interface StageOptions {
  /** An empty directory; in the sandbox's own mount namespace the stage is mounted here. */
  readonly stage: string;
  /** The descriptor on which the script gets {@link StagedMounts.input}. */
  readonly descriptor: number;
  readonly ids: Pick<IdMaps, 'nested'>;
  /** Further texts that must not be on a disk; each becomes a file of the stage. */
  readonly texts: readonly Uint8Array[];
}

/** How mounts are made ready: each in its place on the stage, with its flags, to be bound from there. */
export interface StagedMounts {
  /** For the start of the set-up script. */
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  readonly input: Uint8Array;
  /** Where each of `texts` is, below the stage. */
  readonly texts: readonly string[];
}

/**
 * Plans the stage: a ramfs, which no swap and no disk ever sees, in the sandbox's mount namespace. All that is secret
 * comes through one pipe and is cut into files there. Nothing of a Dockerfile becomes part of the script's text.
 */
export function stageMounts(mounts: readonly RunMount[], options: StageOptions): StagedMounts {
  const parts = new Parts();
  const env: Record<string, string> = { STAGE: options.stage };
  const setUp: string[] = [];
  const simple: MountLine[] = [];
  for (const [i, mount] of mounts.entries()) {
    const place = `m${i}`;
    const at = `${utf8ToByteString(options.stage)}/${place}`;
    const readOnly = mount.readOnly ? ',ro' : '';
    const { source } = mount;
    setUp.push(`${source.kind !== 'tree' && mount.file ? 'file' : 'directory'} ${place} - -`);
    switch (source.kind) {
      case 'tree': {
        const { base, line } = rootLine(source.root, options.stage, options.ids);
        env[`BASE${i}`] = base;
        const fstab = parts.add(latin1(formatFstab([{ ...line, target: at, options: line.options + readOnly }])));
        setUp.push(`tree ${fstab} ${i} -`);
        break;
      }
      case 'host':
        simple.push(bind(utf8ToByteString(source.path), at, `nodev${readOnly}`));
        break;
      case 'memory': {
        const file = parts.add(source.content);
        const run = (source.mode & 0o111) === 0 ? ',noexec' : '';
        simple.push(bind(`${utf8ToByteString(options.stage)}/${file}`, at, `nosuid,nodev${run}${readOnly}`));
        setUp.push(`own ${file} ${source.uid}:${source.gid} ${source.mode.toString(8)}`);
        break;
      }
      case 'tmpfs': {
        simple.push({ source: 'tmpfs', target: at, type: 'tmpfs', options: `${tmpfsOptions(source)}${readOnly}` });
        break;
      }
    }
  }
  const texts = options.texts.map((text) => parts.add(text));
  if (simple.length > 0) setUp.push(`mount ${parts.add(latin1(formatFstab(simple)))} - -`);
  return {
    script: STAGE,
    env: {
      ...env,
      STAGE_INPUT: String(options.descriptor),
      STAGE_STEPS: [...cuts(parts), ...setUp].join('\n'),
      ...toolPaths(),
    },
    input: parts.bytes(),
    texts,
  };
}

/** Where a mount is ready, below the stage. */
export function stagedPlace({ source }: RunMount, index: number): ByteString {
  return source.kind === 'tree' && source.path !== '' ? `m${index}/${source.path}` : `m${index}`;
}

function tmpfsOptions({ size, mode, uid, gid, inodes, noExec }: TmpfsOptions): string {
  const data = { size, mode: mode?.toString(8), uid, gid, nr_inodes: inodes };
  const given = Object.entries(data).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  return ['nosuid', 'nodev', ...(noExec === true ? ['noexec'] : []), ...given].join(',');
}

function bind(source: ByteString, target: ByteString, options: string): MountLine {
  return { source, target, type: 'none', options: `bind,${options}` };
}

/** How the input is cut into the texts: see stage.sh. */
function cuts(parts: Parts): readonly string[] {
  return [...parts.cuts().map(({ name, from, size }) => `cut ${name} ${from + 1} ${size}`), 'cut-end - - -'];
}

function toolPaths(): Readonly<Record<string, string>> {
  const names = ['cat', 'chmod', 'chown', 'head', 'mkdir', 'rm', 'tail'];
  return Object.fromEntries(names.map((name) => [name.toUpperCase(), requireTool(name, 'coreutils')]));
}

/** Texts for the stage, one after the other. */
class Parts {
  readonly #parts: Uint8Array[] = [];

  add(bytes: Uint8Array): string {
    return `p${this.#parts.push(bytes) - 1}`;
  }

  cuts(): readonly { readonly name: string; readonly from: number; readonly size: number }[] {
    let from = 0;
    return this.#parts.map((part, i) => {
      const cut = { name: `p${i}`, from, size: part.length };
      from += part.length;
      return cut;
    });
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

/**
 * What place.sh reads. `root` is where the root is mounted, free of symlinks (`TOP`).
 * @throws BuildError `RUN_FAILED` for a path that cannot be handed to a shell
 */
export function placeList(mounts: readonly RunMount[], root: string): Uint8Array {
  const lines = mounts.flatMap((mount, i) => {
    const target = mount.target.replace(/^\/+/, '');
    const expected = mangle(`${utf8ToByteString(root)}/${target}`);
    const fields = [mount.file ? 'f' : 'd', stagedPlace(mount, i), target, expected];
    if (!fields.some((field) => field.includes('\n'))) return fields;
    throw new BuildError('RUN_FAILED', `cannot mount at ${JSON.stringify(byteStringToUtf8(mount.target))}: a newline`);
  });
  return latin1(lines.map((line) => `${line}\n`).join(''));
}

/** A path as /proc/self/mountinfo shows it (proc(5)). */
function mangle(path: ByteString): ByteString {
  return path.replace(/[ \t\n\\]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

/** True when a command needs the stage. */
export function needsStage(spec: RunSpec): boolean {
  return (spec.mounts?.length ?? 0) > 0 || (spec.secretEnv?.size ?? 0) > 0;
}

function latin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}
