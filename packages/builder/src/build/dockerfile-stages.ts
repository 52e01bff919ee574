import { readFile } from 'node:fs/promises';
import { existingDockerfile } from '../context/dockerfile-name.ts';
import { parseDockerfile } from '../dockerfile/parser.ts';
import { declareStages, stageLabel } from '../plan/stages.ts';

/**
 * The names of a Dockerfile's stages, in order, `stage-N` for those without one.
 * @throws BuildError when it cannot be understood; the system's error when it cannot be read
 */
export async function dockerfileStages(path: string): Promise<readonly string[]> {
  const file = { name: path, text: await readFile(existingDockerfile(path), 'utf8') };
  return declareStages(parseDockerfile(file)).stages.map(stageLabel);
}
