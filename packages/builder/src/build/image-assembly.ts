import {
  type BlobInfo,
  type Descriptor,
  encodeImageConfig,
  type HistoryEntry,
  type ImageConfig,
  MediaType,
  type Platform,
  rfc3339,
} from '@tsbuild/oci';
import type { ImageContent } from '@tsbuild/oci/node';
import type { LayerOutput } from '../ops/rootfs.ts';
import type { PlannedTarget } from '../plan/plan.ts';
import type { StepResult } from '../solver/vertex.ts';

/** What BuildKit's frontend puts into each history row, which tools use to tell a Dockerfile's rows from others. */
const COMMENT = 'buildkit.dockerfile.v0';

/** A planned stage with its filesystem and step results, and what the caller adds. */
export interface AssemblyInput {
  readonly stage: PlannedTarget;
  /** What the image says that it is for. */
  readonly platform: Platform;
  /** The image's layers, lowest first. */
  readonly layers: readonly BlobInfo[];
  readonly results: ReadonlyMap<string, StepResult<LayerOutput>>;
  /** `--label`: applied last. */
  readonly labels: ReadonlyMap<string, string>;
  /** `--annotation`. */
  readonly annotations: ReadonlyMap<string, string> | undefined;
  /** Seconds since 1970; replaces every new time. */
  readonly epoch: number | undefined;
}

/**
 * Puts the image together: the base's history followed by the new rows, whose times are those of their layers' records,
 * so that a cached build gives the same bytes. Rows without layer take the time of the layer before them (BuildKit's rule).
 */
export function assembleContent(input: AssemblyInput): ImageContent {
  const { stage, platform } = input;
  const history = [...(stage.base?.history ?? []), ...newHistory(input)];
  const created = history.findLast((entry) => entry.created !== undefined)?.created;
  const labels = { ...stage.config.Labels, ...Object.fromEntries(input.labels) };
  const config: ImageConfig = {
    architecture: platform.architecture,
    os: platform.os,
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
    ...systemOf(stage.base, platform),
    ...(created === undefined ? {} : { created }),
    ...(stage.author === undefined ? {} : { author: stage.author }),
    config: { ...stage.config, ...(Object.keys(labels).length > 0 ? { Labels: labels } : {}) },
    rootfs: { type: 'layers', diff_ids: input.layers.map((layer) => layer.digest) },
    history,
  };
  const layers = input.layers.map((layer): Descriptor => ({ mediaType: MediaType.ociLayer, ...layer }));
  const { annotations } = input;
  const annotated =
    annotations === undefined || annotations.size === 0 ? {} : { annotations: Object.fromEntries(annotations) };
  return { config: encodeImageConfig(config), layers, ...annotated };
}

/** What the base needs of the system that it is for, its files need above it, too. */
function systemOf(base: ImageConfig | undefined, { os }: Platform): Pick<ImageConfig, 'os.version' | 'os.features'> {
  const version = base?.['os.version'];
  const features = base?.['os.features'];
  if (base?.os !== os) return {};
  return {
    ...(version === undefined || version === '' ? {} : { 'os.version': version }),
    ...(features === undefined || features.length === 0 ? {} : { 'os.features': features }),
  };
}

function newHistory({ stage, results, epoch }: AssemblyInput): HistoryEntry[] {
  const times = stage.history.map(({ step }) => {
    const result = step === undefined ? undefined : results.get(step.id);
    return result === undefined ? undefined : rfc3339(epoch === undefined ? result.created : epoch * 1000);
  });
  const first = times.find((time) => time !== undefined);
  let current = stage.base?.history?.findLast((entry) => entry.created !== undefined)?.created ?? stage.base?.created;
  // Rows before the first new layer belong to it, unless there is none: then to the base's last one.
  current = first ?? (epoch === undefined ? current : rfc3339(epoch * 1000));
  return stage.history.map(({ createdBy, step }, index) => {
    current = times[index] ?? current;
    return {
      ...(current === undefined ? {} : { created: current }),
      created_by: createdBy,
      comment: COMMENT,
      ...(step === undefined ? { empty_layer: true } : {}),
    };
  });
}
