import type { ImageContent } from '@tsbuild/oci/node';
import type { LayerOutput, Rootfs } from '../ops/rootfs.ts';
import type { Plan } from '../plan/plan.ts';
import type { Solution } from '../solver/solver.ts';
import type { BuildSession } from './build-session.ts';
import { assembleContent } from './image-assembly.ts';

/** The image that a solved plan makes: its layers are in the store then, those of its base included. */
export async function solvedImage(
  plan: Plan,
  { values, results }: Solution<Rootfs, LayerOutput>,
  session: Pick<BuildSession, 'layers' | 'options'>,
): Promise<ImageContent> {
  const [rootfs] = values;
  if (rootfs === undefined) throw new TypeError('the solver returns one value for each wanted vertex');
  const { labels, annotations, epoch } = session.options;
  const layers = await session.layers.ensure(rootfs.layers);
  return assembleContent({ stage: plan.target, layers, results, labels, annotations, epoch });
}
