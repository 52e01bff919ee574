import { UsageError } from '../../host/usage-error.ts';
import { checkNames, render } from './evaluate.ts';
import { type Node, parseTemplate } from './parse.ts';

/**
 * Docker's `--format` templates, in Go's language: text, fields, variables, pipelines, `if`, `range`, `with`, and the functions
 * that docker has; `\\t` and `\\n` in the text are a tab and a line end. Returns the renderer for one document, which throws a
 * CommandError for a field that no such document has.
 * @throws UsageError for anything else of Go's template language
 */
export function compileTemplate(template: string, command: string): (document: unknown) => string {
  let nodes: readonly Node[];
  try {
    nodes = parseTemplate(template);
    checkNames(nodes);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsageError(`invalid --format ${JSON.stringify(template)}: ${error.message}`, {
      command,
      hint: 'use {{.Field}}, {{json .Field}} or --format json',
    });
  }
  return (document) => render(nodes, document);
}
