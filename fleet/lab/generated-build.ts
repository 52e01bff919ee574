import { createHash } from 'node:crypto';
import { link, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Random } from '../../fuzz/random.ts';

/** A context with a Dockerfile in it. */
export interface GeneratedBuild {
  readonly directory: string;
  /** Files that a COPY copies, each into a layer of its own. */
  readonly files: readonly string[];
}

/** How the generated Dockerfile looks. */
export interface GeneratorOptions {
  /** The largest file, bytes; layers are from 1 KiB up to this. */
  readonly largest?: number;
  /** One RUN writes something else each time. */
  readonly restless?: boolean;
  /** Two stages, four COPYs and one RUN, for runs that have little time. */
  readonly isSmall?: boolean;
}

const KIB = 1024;
/** How many files each stage copies. */
type Copies = Readonly<Record<'deps' | 'tools' | 'app', number>>;

const COPIES: Copies = { deps: 5, tools: 4, app: 3 };
const FEW_COPIES: Copies = { deps: 3, tools: 0, app: 1 };

/**
 * Twenty steps in three stages (eight in two of a small one), the same for the same seed: most are COPYs of files from 1 KiB to
 * 4 MiB, three are RUNs (one of a small one).
 * The base image is `fleet/busybox` of the registry in the argument REGISTRY, which no key depends on.
 */
export async function generateBuild(
  directory: string,
  seed: string,
  { largest = 4 * KIB * KIB, restless = false, isSmall = false }: GeneratorOptions = {},
): Promise<GeneratedBuild> {
  const random = new Random(seed);
  await mkdir(directory, { recursive: true });
  const files: string[] = [];
  const copies = isSmall ? FEW_COPIES : COPIES;
  for (const [stage, count] of Object.entries(copies)) {
    for (let i = 0; i < count; i++) {
      const name = `${stage}-${i}.bin`;
      await writeFile(join(directory, name), someContent(`${seed}/${name}`, sizeBetween(KIB, largest, random)));
      files.push(name);
    }
  }
  await writeFile(join(directory, 'Dockerfile'), dockerfile(copies, restless));
  return { directory, files };
}

function dockerfile(counts: Copies, restless: boolean): string {
  const copies = (stage: keyof Copies): string[] =>
    Array.from({ length: counts[stage] }, (_, i) => `COPY ${stage}-${i}.bin ./`);
  const noise = restless ? ' && head -c 64 /dev/urandom >noise' : '';
  const hasTools = counts.tools > 0;
  const tools = [
    'FROM $REGISTRY/fleet/busybox AS tools',
    'WORKDIR /tools',
    ...copies('tools'),
    'RUN sha256sum tools-*.bin >list',
  ];
  return [
    'ARG REGISTRY',
    'FROM $REGISTRY/fleet/busybox AS deps',
    'WORKDIR /deps',
    ...copies('deps'),
    `RUN cat deps-0.bin deps-1.bin | sha256sum >merged${noise}`,
    ...(hasTools ? tools : []),
    'FROM $REGISTRY/fleet/busybox',
    'WORKDIR /app',
    'COPY --from=deps /deps/merged ./',
    ...(hasTools ? ['COPY --from=tools /tools ./tools'] : []),
    ...copies('app'),
    ...(hasTools ? ['RUN sha256sum app-*.bin tools/list merged >sums'] : []),
    'CMD ["cat", "/app/sums"]',
    '',
  ].join('\n');
}

/** A copy of a build in which one file is another. Files that stay are links. */
export async function changeFile(
  build: GeneratedBuild,
  directory: string,
  name: string,
  text: string,
): Promise<GeneratedBuild> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  for (const entry of await readdir(build.directory)) {
    if (entry !== name) await link(join(build.directory, entry), join(directory, entry));
  }
  await writeFile(join(directory, name), someContent(text, 3 * KIB));
  return { ...build, directory };
}

/** As many sizes of each magnitude. */
function sizeBetween(least: number, most: number, random: Random): number {
  return Math.round(least * (most / least) ** (random.below(1000) / 999));
}

/** Half of it can be compressed, as in most files. */
function someContent(seed: string, size: number): Buffer {
  const out = Buffer.alloc(size, 'tsbuild ');
  for (let at = 0, i = 0; at < size; at += 64, i++) {
    createHash('sha256').update(`${seed}/${i}`).digest().copy(out, at);
  }
  return out;
}
