import type { Dockerfile } from './instruction.ts';

/** A compact s-expression text of a parsed Dockerfile, for goldens. */
export function dumpDockerfile(dockerfile: Dockerfile): string {
  throw new Error(`not built yet: ${dockerfile.instructions.length}`);
}
