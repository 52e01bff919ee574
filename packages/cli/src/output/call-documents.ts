import type { CheckResult, Outline, SourceFile, SourceRange, TargetList } from '@tsbuild/builder';

/** A place as BuildKit's JSON has it: one range for each line, columns left out. */
function location({ start, end }: SourceRange) {
  const ranges = [];
  for (let line = start.line; line <= Math.max(start.line, end.line); line++) {
    ranges.push({ start: { line }, end: { line } });
  }
  return { ranges };
}

/** The bytes of a Dockerfile as Go's JSON has bytes. */
function base64({ text }: SourceFile): string {
  return Buffer.from(text).toString('base64');
}

/** `--call=check,format=json`: the shape of buildx. */
export function checkDocument({ warnings, source, error }: CheckResult): unknown {
  return {
    warnings: warnings.map(({ rule, description, url, message, range }) => ({
      ruleName: rule,
      description,
      url,
      detail: message,
      location: location(range),
    })),
    sources: [{ filename: source.name, language: 'Dockerfile', data: base64(source) }],
    ...(error === undefined
      ? {}
      : {
          buildError: {
            message: error.message,
            location: error.range === undefined ? {} : location(error.range),
          },
        }),
  };
}

/** `--call=targets,format=json`: the shape of buildx. */
export function targetsDocument(result: { readonly source: SourceFile; readonly targets: TargetList }): unknown {
  return {
    targets: result.targets.map(({ name, isDefault, description, base, platform, range }) => ({
      ...filled({ name, default: isDefault, description, base, platform }),
      location: location(range),
    })),
    sources: [base64(result.source)],
  };
}

/** `--call=outline,format=json`: the shape of buildx. */
export function outlineDocument(result: { readonly source: SourceFile; readonly outline: Outline }): unknown {
  const { name, description, args, secrets, ssh, caches } = result.outline;
  return {
    ...filled({ name, description }),
    ...list('args', args, (arg) => filled({ name: arg.name, description: arg.description, value: arg.value })),
    ...list('secrets', secrets, (secret) => filled({ name: secret.name, required: secret.required })),
    ...list('ssh', ssh, (agent) => filled({ name: agent.name, required: agent.required })),
    ...list('cache', caches, ({ id }) => ({ ID: id })),
    sources: [base64(result.source)],
  };
}

function list<T extends { readonly range: SourceRange }>(
  key: string,
  items: readonly T[],
  show: (item: T) => object,
): object {
  if (items.length === 0) return {};
  return { [key]: items.map((item) => ({ ...show(item), location: location(item.range) })) };
}

/** Without what is empty or false, as Go's `omitempty` leaves it out. */
function filled(fields: Readonly<Record<string, string | boolean | undefined>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== '' && value));
}
