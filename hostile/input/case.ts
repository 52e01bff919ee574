import type { BuildBench } from '../../packages/builder/testing/build-bench.ts';
import type { Canary } from './canary.ts';

/** Where a case does its harm, or fails to. */
export interface Site {
  /** A store of its own with the image `busybox`, shared by all cases, and builds in it. */
  readonly bench: BuildBench;
  /** What lies outside of every root. */
  readonly canary: Canary;
  /** A folder of this case alone. */
  readonly folder: string;
  /** A word that no other case uses, for names of images. */
  readonly word: string;
  /** Whether commands can be run here. */
  readonly sandbox: boolean;
}

/** One attack, named by its CVE where it has one. */
export interface HostileCase {
  /** The row of the catalogue, e.g. `A3`: A are layers, B manifests and registries, C what the cache believes, D contexts, R what runs. */
  readonly row: string;
  readonly name: string;
  /** What the refusal says. Undefined: it is taken, and harms nothing. */
  readonly refused?: RegExp;
  /** Whether commands must be runnable for it. */
  readonly runs?: boolean;
  /** Programs that it needs, or `root`. */
  readonly needs?: readonly string[];
  /** @throws OciError or BuildError when it is refused; any other error is a defect */
  readonly attempt: (site: Site) => Promise<void>;
  /** The layers that other engines may be asked about. */
  readonly layers?: (canary: string) => readonly Uint8Array[];
  /** Why containerd's verdict on `layers` is another one. */
  readonly differs?: string;
}

/** Says that an attack was taken and did what it must not. */
export class Harmed extends Error {
  override readonly name = 'Harmed';
}

/** Compares what became of an attack with what had to. @throws Harmed */
export function demand(what: string, actual: unknown, wanted: unknown): void {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(wanted)];
  if (is !== should) throw new Harmed(`${what}: ${is}, not ${should}`);
}
