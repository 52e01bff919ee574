import { beginning, type BuildOrigins, type MadeFilesystem, type MadeStep } from '../explain/build-origins.ts';
import type { LayerOutput } from '../ops/rootfs.ts';
import type { BuildStep, BuildVertex } from '../plan/plan.ts';
import type { BuildPlan, ListedStep } from '../plan/platforms/build-plan.ts';
import type { StepResult } from '../solver/vertex.ts';

/** The layers that the steps of a solved plan made, by the steps' ids. */
type Results = ReadonlyMap<string, Pick<StepResult<LayerOutput>, 'output'>>;

/** Where the layers of a solved plan are from. */
export function plannedOrigins(plan: BuildPlan, results: Results): BuildOrigins {
  const origins = new OriginWalk(plan, results);
  // A stage copies from stages before it alone.
  for (const { stage } of plan.stages()) origins.filesystem(stage.rootfs);
  const images = plan.platforms.map(({ target }) => origins.filesystem(target.rootfs));
  return { steps: origins.steps, filesystems: origins.filesystems, images };
}

/** Collects filesystems and steps, each once: vertices of the graph are told by who they are. */
class OriginWalk {
  readonly steps: MadeStep[] = [];
  readonly filesystems: MadeFilesystem[] = [];
  readonly #listed: ReadonlyMap<string, ListedStep>;
  readonly #results: Results;
  readonly #known = new Map<BuildVertex, number>();
  readonly #knownSteps = new Map<BuildVertex, number>();

  constructor(plan: BuildPlan, results: Results) {
    this.#listed = new Map(plan.steps.map((step) => [step.id, step]));
    this.#results = results;
  }

  /** The place of a filesystem in the list. */
  filesystem(vertex: BuildVertex): number {
    const known = this.#known.get(vertex);
    if (known !== undefined) return known;
    const chain: BuildStep[] = [];
    let below: BuildVertex | undefined = vertex;
    while (below?.kind === 'step') {
      chain.push(below);
      below = below.inputs[0];
    }
    const { image, value } = below ?? { value: { layers: [] } };
    const steps = chain.toReversed().flatMap((step) => this.#step(step) ?? []);
    const place = this.filesystems.length;
    this.filesystems.push({
      ...(image !== undefined && { base: image }),
      baseLayers: value.layers.map(({ digest }) => digest),
      steps,
    });
    this.#known.set(vertex, place);
    return place;
  }

  #step(vertex: BuildStep): number | undefined {
    const known = this.#knownSteps.get(vertex);
    if (known !== undefined) return known;
    const listed = this.#listed.get(vertex.id);
    const result = this.#results.get(vertex.id);
    if (listed === undefined || result === undefined) return undefined;
    const { id, stage, operation, range, source, platform } = listed;
    const [, from] = vertex.inputs;
    const copied = operation === 'copy' && from !== undefined ? { from: this.filesystem(from) } : {};
    const place = this.steps.length;
    this.steps.push({
      id,
      stage,
      line: range.start.line,
      endLine: range.end.line,
      source: beginning(source),
      ...(platform !== undefined && { platform }),
      layer: result.output.layer.digest,
      ...copied,
    });
    this.#knownSteps.set(vertex, place);
    return place;
  }
}
