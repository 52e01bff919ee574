import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { output } from '../test/support/process.ts';
import { type Cell, type Locale, localeOf } from './matrix.ts';
import { checkOut, EPOCH } from './project.ts';

/** The three builds of a cell: into an empty store, out of the cache, and all steps once more from another checkout. */
export const PASSES = ['cold', 'warm', 'anew'] as const;
type Pass = (typeof PASSES)[number];

/** An image that a cell built. */
export interface BuiltImage {
  readonly target: string;
  readonly pass: Pass;
  /** Of the manifest, `sha256:…`. */
  readonly digest: string;
  /** sha256 of the archive that `-o` writes, hexadecimal. */
  readonly archive: string;
  /** The archive, for as long as the place is there. */
  readonly path: string;
}

/** What all cells have in common. */
export interface Ground {
  readonly cli: string;
  /** An archive of the base image. */
  readonly base: string;
}

/** Builds everything that the cell's mode can build, three times. `number` tells the cells of one place apart. */
export async function buildCell(cell: Cell, number: number, ground: Ground): Promise<readonly BuiltImage[]> {
  const { mode, place } = cell;
  const folder = join(place.folder, `cell-${number}`);
  mkdirSync(folder, { mode: 0o755 });
  const [early, late] = [join(folder, 'early'), join(folder, 'late')];
  mkdirSync(early);
  mkdirSync(late);
  checkOut(early, 1_650_000_000 + number, 'forth');
  checkOut(late, Math.floor(Date.now() / 1000), 'back');
  if (mode.user !== undefined) await output('chown', ['-R', `${mode.user.uid}:${mode.user.gid}`, folder]);
  const builder = new CellBuilder(cell, folder, ground);
  await builder.tsbuild(['load', '-q', '-i', ground.base], cell.locale);
  const images: BuiltImage[] = [];
  for (const pass of PASSES) {
    for (const target of mode.targets) {
      const flags = { cold: [], warm: ['--fail-on-miss'], anew: ['--no-cache'] }[pass];
      const context = pass === 'cold' ? early : late;
      // Half of the time a build has another zone and language than the one before it.
      const locale = pass === 'cold' ? cell.locale : localeOf(number + 1);
      images.push(await builder.build(target, pass, [...flags, context], locale));
    }
  }
  rmSync(builder.store, { recursive: true, force: true });
  return images;
}

class CellBuilder {
  readonly store: string;
  readonly #cell: Cell;
  readonly #folder: string;
  readonly #ground: Ground;

  constructor(cell: Cell, folder: string, ground: Ground) {
    this.#cell = cell;
    this.#folder = folder;
    this.#ground = ground;
    this.store = join(folder, 'store');
  }

  /** Runs the command as the cell says. */
  async tsbuild(args: readonly string[], { zone, language }: Locale): Promise<string> {
    const { mode, umask } = this.#cell;
    const script = 'umask "$0" && exec "$@"';
    const words = [...mode.prefix, process.execPath, this.#ground.cli, ...args];
    return await output('sh', ['-c', script, umask, ...words], {
      env: {
        TSBUILD_ROOT: this.store,
        HOME: this.#folder,
        TZ: zone,
        LANG: language,
        LC_ALL: language,
        SOURCE_DATE_EPOCH: String(EPOCH),
      },
    });
  }

  async build(target: string, pass: Pass, flags: readonly string[], locale: Locale): Promise<BuiltImage> {
    const path = join(this.#folder, `${pass}-${target}.tar`);
    const metadata = join(this.#folder, 'metadata.json');
    const { isolation } = this.#cell.mode;
    const wanted = [
      '--progress',
      'plain',
      '--isolation',
      isolation,
      '--target',
      target,
      '-t',
      `reproducible:${target}`,
    ];
    await this.tsbuild(['build', ...wanted, '--metadata-file', metadata, '-o', path, ...flags], locale);
    const { 'containerimage.digest': digest } = JSON.parse(readFileSync(metadata, 'utf8')) as Record<string, string>;
    if (digest === undefined) throw new Error(`${metadata} has no digest`);
    return { target, pass, digest, archive: await sha256(path), path };
  }
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
