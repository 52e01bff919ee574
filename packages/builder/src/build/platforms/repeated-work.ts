import { type Digest, formatPlatform, type Platform } from '@tsbuild/oci';
import { compareLayers, type LayerChange } from '@tsbuild/oci/node';
import { runnableHere } from '../../emulation/known-platforms.ts';
import type { Finding } from '../../lint/finding.ts';
import type { MeasuredBuild } from '../../lint/platforms/measured-build.ts';
import { platformFindings } from '../../lint/platforms/platform-findings.ts';
import type { Store } from '../../store/store.ts';

/** A build as far as it is known without looking at layers or processors. */
interface DoneBuild extends Pick<MeasuredBuild, 'plan' | 'declared' | 'step'> {
  /** The layer that a step made. */
  layerOf(id: string): Digest | undefined;
}

/** What there is to say of work that a build for several platforms did again and again. */
export async function repeatedWork(build: DoneBuild, { indexes }: Store): Promise<readonly Finding[]> {
  const emulated = await emulatedPlatforms(build);
  return platformFindings({
    ...build,
    isEmulated: (platform) => emulated.has(formatPlatform(platform)),
    haveSameFiles: async (ids) => {
      const layers = [...new Set(ids.map(build.layerOf))];
      if (layers.includes(undefined)) return false;
      const [first, ...others] = await Promise.all(
        layers.flatMap((layer) => layer ?? []).map((layer) => indexes.get(layer)),
      );
      return others.every((other) => first !== undefined && ![...compareLayers(first, other)].some(isTelling));
    },
  });
}

/** Where commands write what they did, and when: no two runs leave the same there. */
const TRACES = /^(?:tmp|var\/(?:tmp|log|cache))(?:\/|$)/;

/** A difference that is not just that of two runs of one command. */
function isTelling({ path, fields }: LayerChange): boolean {
  const isTime = fields.length > 0 && fields.every((field) => field === 'mtime');
  return !isTime && !TRACES.test(path);
}

async function emulatedPlatforms({ plan }: DoneBuild): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const platforms = plan.platforms.flatMap(({ stages }) => stages.map(({ platform }): Platform => platform));
  for (const platform of platforms) {
    const { kind } = await runnableHere(platform);
    if (kind === 'machine' || kind === 'private') found.add(formatPlatform(platform));
  }
  return found;
}
