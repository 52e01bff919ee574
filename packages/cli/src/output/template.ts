import { UsageError } from '../host/usage-error.ts';

type Part = { readonly text: string } | { readonly path: readonly string[]; readonly json: boolean };

/**
 * The part of docker's `--format` templates that scripts use: text, `{{.Field.Field}}` and `{{json .Field}}`; `\t` and
 * `\n` in the text are a tab and a line end. Returns the renderer for one document.
 * @throws UsageError for anything else of Go's template language
 */
export function compileTemplate(template: string, command: string): (document: unknown) => string {
  const parts: Part[] = [];
  let end = 0;
  for (const match of template.matchAll(/\{\{(.*?)\}\}/gs)) {
    parts.push({ text: unescape(template.slice(end, match.index)) }, parseAction(match[1] ?? '', template, command));
    end = match.index + match[0].length;
  }
  const rest = template.slice(end);
  if (rest.includes('{{'))
    throw new UsageError(`invalid --format ${JSON.stringify(template)}: {{ without }}`, { command });
  parts.push({ text: unescape(rest) });
  return (document) => parts.map((part) => ('text' in part ? part.text : renderField(document, part))).join('');
}

function parseAction(action: string, template: string, command: string): Part {
  const match = /^-?\s*(json\s+)?((?:\.[A-Za-z_][\w]*)+|\.)\s*-?$/.exec(action.trim());
  if (match === null) {
    throw new UsageError(
      `not supported yet: ${JSON.stringify(`{{${action}}}`)} in --format ${JSON.stringify(template)}`,
      {
        hint: 'use {{.Field}}, {{json .Field}} or --format json',
        command,
      },
    );
  }
  return { json: match[1] !== undefined, path: (match[2] ?? '').split('.').filter((name) => name !== '') };
}

function renderField(
  document: unknown,
  { path, json }: { readonly path: readonly string[]; readonly json: boolean },
): string {
  let value = document;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) {
      value = undefined;
      break;
    }
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return json ? JSON.stringify(value ?? null) : goValue(value);
}

/** A value as Go's fmt prints it: `[a b]`, `map[k:v]`. */
function goValue(value: unknown): string {
  if (value === undefined) return '<no value>';
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goValue).join(' ')}]`;
  if (typeof value === 'object') {
    return `map[${Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${key}:${goValue(member)}`)
      .join(' ')}]`;
  }
  return String(value);
}

function unescape(text: string): string {
  return text.replaceAll('\\t', '\t').replaceAll('\\n', '\n');
}
