import { templateField } from './fields.ts';
import { isTrue, TEMPLATE_FUNCTIONS } from './functions.ts';
import { goValue } from './go-value.ts';
import type { Call, Node, Operand, Pipeline } from './parse.ts';

/** What the words of a template mean at one place. */
interface Scope {
  readonly dot: unknown;
  readonly variables: ReadonlyMap<string, unknown>;
}

/** The text of a document. @throws CommandError for a field that it cannot have */
export function render(nodes: readonly Node[], document: unknown): string {
  return renderAll(nodes, { dot: document, variables: new Map([['$', document]]) });
}

/** @throws SyntaxError for a function or a variable that there is not: told once, before the first document */
export function checkNames(nodes: readonly Node[], known: ReadonlySet<string> = new Set(['$'])): void {
  const names = new Set(known);
  for (const node of nodes) {
    if (node.kind === 'text') continue;
    checkPipeline(node.pipeline, names);
    if (node.kind === 'print') for (const name of node.pipeline.declares) names.add(name);
    else {
      checkNames(node.body, new Set([...names, ...node.pipeline.declares]));
      checkNames(node.otherwise, names);
    }
  }
}

function checkPipeline({ calls }: Pipeline, names: ReadonlySet<string>): void {
  for (const { name, args } of calls) {
    if (name !== undefined && !Object.hasOwn(TEMPLATE_FUNCTIONS, name))
      throw new SyntaxError(`function ${JSON.stringify(name)} not defined`);
    for (const arg of args) {
      if (arg.kind === 'group') checkPipeline(arg.pipeline, names);
      if (arg.kind === 'field' && arg.variable !== undefined && !names.has(arg.variable))
        throw new SyntaxError(`undefined variable ${JSON.stringify(arg.variable)}`);
    }
  }
}

function renderAll(nodes: readonly Node[], outer: Scope): string {
  let text = '';
  let scope = outer;
  for (const node of nodes) {
    if (node.kind === 'text') {
      text += unescape(node.text);
      continue;
    }
    const value = evaluate(node.pipeline, scope);
    const { declares } = node.pipeline;
    if (node.kind === 'print') {
      if (declares.length === 0) text += goValue(value);
      else scope = withVariables(scope, declares, [value]);
    } else if (node.kind === 'range') text += renderRange(node, value, scope);
    else if (isTrue(value)) {
      const inner = withVariables(scope, declares, [value]);
      text += renderAll(node.body, node.kind === 'with' ? { ...inner, dot: value } : inner);
    } else text += renderAll(node.otherwise, scope);
  }
  return text;
}

/** Lists in their order, maps by their keys. One variable is the element, of two the first is its place. */
function renderRange(node: Extract<Node, { kind: 'range' | 'if' | 'with' }>, value: unknown, scope: Scope): string {
  const { declares } = node.pipeline;
  const entries: readonly (readonly [unknown, unknown])[] = Array.isArray(value)
    ? value.map((each, i) => [i, each])
    : typeof value === 'object' && value !== null
      ? Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
      : [];
  if (entries.length === 0) return renderAll(node.otherwise, scope);
  return entries
    .map(([key, each]) => {
      const inner = withVariables(scope, declares, declares.length > 1 ? [key, each] : [each]);
      return renderAll(node.body, { ...inner, dot: each });
    })
    .join('');
}

function withVariables(scope: Scope, names: readonly string[], values: readonly unknown[]): Scope {
  if (names.length === 0) return scope;
  return { ...scope, variables: new Map([...scope.variables, ...names.map((name, i) => [name, values[i]] as const)]) };
}

function evaluate({ calls }: Pipeline, scope: Scope): unknown {
  let result: unknown;
  calls.forEach((call, i) => {
    result = evaluateCall(call, i === 0 ? [] : [result], scope);
  });
  return result;
}

function evaluateCall({ name, args }: Call, piped: readonly unknown[], scope: Scope): unknown {
  const [first] = args;
  if (name === undefined && first?.kind === 'field' && first.path.at(-1) === 'Label' && args.length === 2)
    return labelOf(templateField(scope.dot, ['Labels']), valueOf(args[1], scope));
  const values = [...args.map((arg) => valueOf(arg, scope)), ...piped];
  return name === undefined ? values[0] : TEMPLATE_FUNCTIONS[name]?.(...values);
}

/** `{{.Label "key"}}` of `ps`, where all labels are one text. */
function labelOf(labels: unknown, key: unknown): string {
  const pairs = typeof labels === 'string' ? labels.split(',').map((pair) => pair.split(/=(.*)/s)) : [];
  return pairs.find(([name]) => name === key)?.[1] ?? '';
}

function valueOf(operand: Operand | undefined, scope: Scope): unknown {
  if (operand === undefined) return undefined;
  if (operand.kind === 'value') return operand.value;
  if (operand.kind === 'group') return templateField(evaluate(operand.pipeline, scope), operand.path);
  const start = operand.variable === undefined ? scope.dot : scope.variables.get(operand.variable);
  return templateField(start, operand.path);
}

function unescape(text: string): string {
  return text.replaceAll('\\t', '\t').replaceAll('\\n', '\n');
}
