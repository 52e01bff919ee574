import type { WorkdirInstruction } from '../dockerfile/instruction.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import { type WorkdirRequest, workdirStep } from '../ops/workdir.ts';
import { resolveFrom } from './paths.ts';
import type { NewStep, StageState } from './stage-state.ts';

/** PATH_MAX, without the NUL at its end. */
const LONGEST_PATH = 4095;

/** WORKDIR: always a row with a layer, even an empty one, except for `/`, which always exists. */
export function lowerWorkdir(stage: StageState, instruction: WorkdirInstruction): void {
  const written = stage.expand(instruction.path, instruction);
  const path = resolveFrom(stage.workingDirectory, written);
  if (path.length > LONGEST_PATH) {
    throw new BuildError('DOCKERFILE_INVALID', `WORKDIR results in a path of ${path.length} characters`, {
      range: instruction.range,
      hint: `relative paths are appended to the previous WORKDIR; Linux limits paths to ${LONGEST_PATH} bytes`,
    });
  }
  // Engines keep an absolute path in the config as it was written, even `/tmp/` or `/a/../b`.
  const shown = written.startsWith('/') ? written : path;
  stage.config = { ...stage.config, WorkingDir: shown };
  if (path === '/') {
    stage.recordMetadata(`WORKDIR ${shown}`);
    return;
  }
  const { context } = stage;
  const request: Omit<WorkdirRequest, 'id'> = {
    range: instruction.range,
    parent: stage.rootfs,
    path,
    user: stage.config.User ?? '',
    ignoreCache: context.ignoreCache,
  };
  const step: NewStep = { request, make: (id) => workdirStep({ ...request, id }, context.dependencies) };
  stage.recordStep(step, instruction, { createdBy: `WORKDIR ${shown}`, name: `WORKDIR ${path}` });
}
