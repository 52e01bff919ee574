import { trimStart } from './blanks.ts';
import { invalid } from './invalid.ts';
import type { SourceRange } from '../diagnostics/source-file.ts';

/**
 * The strings of a JSON array, or undefined when `text` is not one: then it is in shell form, as the Dockerfile language has it, even
 * if it begins with `[`. Throws BuildError for a JSON array that holds anything but strings.
 */
export function parseJsonForm(text: string, range?: SourceRange): readonly string[] | undefined {
  if (!trimStart(text).startsWith('[')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  const items: readonly unknown[] = value;
  const strings = items.filter((item) => typeof item === 'string');
  if (strings.length < items.length) {
    throw invalid(
      'when using JSON array syntax, arrays must be comprised of strings only',
      range,
      'Put every argument in double quotes.',
    );
  }
  return strings;
}
