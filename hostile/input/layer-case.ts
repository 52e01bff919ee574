import { makeTar } from '../../packages/oci/testing/make-tar.ts';
import type { RawMember } from '../../packages/oci/testing/make-tar.ts';
import { demand } from './case.ts';
import type { HostileCase } from './case.ts';
import { takeLayers } from './take-layers.ts';

/** A layer as members, or as bytes that no tar writer would write. */
export type Layer = readonly RawMember[] | Uint8Array;

/** What is known of an attack by layers beside its name. */
export interface LayerAttack {
  readonly refused?: RegExp;
  /** The paths that the image must have then, and no others. */
  readonly paths?: readonly string[];
  readonly differs?: string;
  /** No other engine is asked: the attack works on it, and fills the disk of this machine. */
  readonly alone?: boolean;
}

/** A case of one or more layers on top of a harmless base. */
export function layerCase(
  row: string,
  name: string,
  layers: (canary: string) => readonly Layer[],
  { refused, paths, differs, alone = false }: LayerAttack = {},
): HostileCase {
  const bytes = (canary: string): readonly Uint8Array[] =>
    layers(canary).map((layer) => (layer instanceof Uint8Array ? layer : makeTar(layer)));
  return {
    row,
    name,
    ...(refused === undefined ? {} : { refused }),
    ...(differs === undefined ? {} : { differs }),
    ...(alone ? {} : { layers: bytes }),
    attempt: async (site) => {
      const seen = await takeLayers(site, bytes(site.canary.path));
      if (paths !== undefined) demand('paths', seen.toSorted(), paths.toSorted());
    },
  };
}

export const file = (name: string, more: Partial<RawMember> = {}): RawMember => ({ name, content: 'evil\n', ...more });
export const dir = (name: string, more: Partial<RawMember> = {}): RawMember => ({
  name: `${name}/`,
  type: '5',
  mode: 0o755,
  ...more,
});
export const symlink = (name: string, linkName: string): RawMember => ({ name, type: '2', linkName, mode: 0o777 });
export const hardlink = (name: string, linkName: string): RawMember => ({ name, type: '1', linkName });
