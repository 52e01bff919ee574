import { join } from 'node:path';
import { canonicalJson, type Digest, digestHex, type LayerEntry, sha256Digest } from '@tsbuild/oci';
import { rangeReader } from '@tsbuild/oci/internal';
import { type StoredImage } from '@tsbuild/oci/node';
import type { Instruction } from '../dockerfile/instruction.ts';
import type { StepRuns } from '../explain/step-index.ts';
import type { Finding } from '../lint/finding.ts';
import { durationText } from '../lint/duration-text.ts';
import { checkLayers } from '../lint/layers/check-layers.ts';
import { describeLayerFindings } from '../lint/layers/describe.ts';
import { keepFindings, keptFindings } from '../lint/layers/kept-findings.ts';
import type { LayerFinding } from '../lint/layers/layer-finding.ts';
import type { Plan } from '../plan/plan.ts';
import type { Store } from '../store/store.ts';

/** Raise it when the same layers would have to give other findings. */
const FORMAT = 'tsbuild.layer-checks.v2';

/**
 * What is to say of the layers that a build made. The answer for a list of layers is kept, so that the next build with the
 * same ones reads a small file and no index.
 */
export async function layerFindings(plan: Plan, image: StoredImage, store: Store): Promise<readonly Finding[]> {
  const instructions = plan.target.history.flatMap(({ step, instruction }) =>
    step === undefined || instruction === undefined ? [] : [instruction],
  );
  if (instructions.length === 0) return [];
  const digests = image.layers.map(({ digest }) => digest);
  const kinds = instructions.map(({ kind }) => kind === 'run');
  const key = sha256Digest(canonicalJson({ format: FORMAT, layers: digests, runs: kinds }));
  const path = join(store.directory('checks'), `${digestHex(key)}.json`);
  const found = keptFindings(path) ?? (await makeFindings(digests, kinds, store, path));
  return describeLayerFindings(found, instructions);
}

async function makeFindings(
  digests: readonly Digest[],
  runs: readonly boolean[],
  store: Store,
  path: string,
): Promise<readonly LayerFinding[]> {
  const first = digests.length - runs.length;
  const layers = await Promise.all(
    digests.map(async (digest, at) => ({
      digest,
      index: await store.indexes.get(digest),
      isOwn: at >= first,
      isRun: runs[at - first] === true,
    })),
  );
  const found = checkLayers(layers, (layer, entry) => readEntry(store, layer, entry));
  keepFindings(path, found);
  return found;
}

function readEntry(store: Store, layer: Digest, entry: LayerEntry): Buffer | undefined {
  const { size } = entry;
  const reader = store.layout.blobs.openReader(layer);
  try {
    const file = rangeReader(reader, entry);
    const content = Buffer.alloc(size);
    let filled = 0;
    while (filled < size) {
      const count = file.read(content.subarray(filled));
      if (count === 0) return undefined;
      filled += count;
    }
    return content;
  } finally {
    reader.close();
  }
}

/** Adds how often a command has run and how long that took, in this project, to what CopyBeforeInstall says. */
export function withHistory(
  findings: readonly Finding[],
  runsOf: (run: Instruction) => StepRuns | undefined,
): readonly Finding[] {
  return findings.map((finding) => {
    const run = finding.instructions.find(({ kind }) => kind === 'run');
    const ran = finding.rule === 'CopyBeforeInstall' && run !== undefined ? runsOf(run) : undefined;
    if (ran === undefined) return finding;
    const often = ran.times === 1 ? 'once' : `${ran.times} times`;
    return {
      ...finding,
      message: `${finding.message}. It has run ${often} here, ${durationText(ran.milliseconds)} in total`,
    };
  });
}
