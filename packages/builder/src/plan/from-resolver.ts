import type { Instruction } from '../dockerfile/instruction.ts';
import type { BuildVertex } from './plan.ts';

/** Finds the filesystem that `COPY --from=NAME` or `from=NAME` of a mount means, as seen from the stage being lowered. */
export type FromResolver = (from: string, instruction: Instruction) => BuildVertex;
