import { utf8ToByteString } from '@tsbuild/oci';
import { cleanFilePath } from '../context/clean-path.ts';
import type { AddInstruction, CopyInstruction } from '../dockerfile/instruction.ts';
import type { StageScope } from './stage-scope.ts';

/**
 * A source that the ignore file leaves out. Patterns that begin with `!` make that hard to tell, so with any of them
 * BuildKit does not look, and neither does this.
 */
export function checkIgnored(
  { input, report, words }: StageScope,
  instruction: AddInstruction | CopyInstruction,
  sources: readonly string[],
): void {
  const { ignore } = input;
  if (ignore === undefined || ignore.hasExceptions) return;
  if (instruction.kind === 'copy' && instruction.from !== undefined) return;
  const keyword = instruction.kind === 'copy' ? 'Copy' : 'Add';
  for (const source of sources) {
    if (isRemote(source)) continue;
    const path = cleanFilePath(source);
    if (!words.limit.mayMatch(ignore.size)) return;
    if (!ignore.matches(utf8ToByteString(path))) continue;
    const message = `Attempting to ${keyword} file ${JSON.stringify(path)} that is excluded by .dockerignore`;
    report('CopyIgnoredFile', instruction, message);
  }
}

/** What ADD fetches from elsewhere. */
function isRemote(source: string): boolean {
  return /^(?:https?|git|ssh):\/\/|^git@|\.git(?:[#?]|$)/.test(source);
}
