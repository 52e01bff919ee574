import type { Dockerfile, Instruction } from './instruction.ts';
import type { SourceFile, SourceRange } from './source-file.ts';

/** Parses a whole Dockerfile. Throws BuildError DOCKERFILE_INVALID with a range into `file`. */
export function parseDockerfile(file: SourceFile): Dockerfile {
  throw new Error(`not built yet: ${file.name}`);
}

/** Parses the text of an ONBUILD trigger; `range` is where errors point to and what the instruction carries. */
export function parseTrigger(text: string, range: SourceRange, escape: '\\' | '`' = '\\'): Instruction {
  throw new Error(`not built yet: ${text} ${range.start.line} ${escape}`);
}
