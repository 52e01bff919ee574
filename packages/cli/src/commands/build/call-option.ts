import { UsageError } from '../../host/usage-error.ts';
import type { BuildFlags } from './build-options.ts';

const METHODS = { check: 'check', lint: 'check', outline: 'outline', targets: 'targets' } as const;

/** How a check can tell what it found. `text` is buildx's; the others are what editors and CI read. */
const CHECK_FORMATS = ['text', 'json', 'gnu', 'github', 'sarif', 'gitlab', 'checkstyle'] as const;

/** How `--call` answers. */
export type CallFormat = (typeof CHECK_FORMATS)[number];

/** What `--call` asks for in place of a build. */
export interface CallMethod {
  readonly method: 'check' | 'outline' | 'targets';
  /** Undefined unless told. */
  readonly format: CallFormat | undefined;
  /** Warnings are no failure. */
  readonly ignoreStatus: boolean;
}

/**
 * Reads `--call=METHOD[,format=FORMAT][,ignorestatus]` and its short form `--check`; undefined for a build.
 * @throws UsageError
 */
export function parseCall({ call = '', check }: Pick<BuildFlags, 'call' | 'check'>): CallMethod | undefined {
  const [name = '', ...fields] = call.split(',');
  if ((name === '' || name === 'build') && fields.length === 0 && !check) return undefined;
  const method = check && (name === '' || name === 'build') ? 'check' : methodOf(name);
  if (check && method !== 'check') throw wrong(`--check and --call=${name} cannot be used together`);
  let format: CallFormat | undefined;
  let ignoreStatus = false;
  for (const field of fields) {
    const [, key = '', value = ''] = /^([^=]*)(?:=(.*))?$/.exec(field) ?? [];
    const known = CHECK_FORMATS.find((one) => one === value);
    if (key === 'format' && known !== undefined) format = formatFor(method, known);
    else if (key === 'ignorestatus' && /^(?:|true|1|false|0)$/.test(value)) ignoreStatus = !/^(?:false|0)$/.test(value);
    else throw wrong(`invalid --call ${JSON.stringify(call)}: unknown field ${JSON.stringify(field)}`);
  }
  return { method, format, ignoreStatus };
}

function methodOf(name: string): CallMethod['method'] {
  if (Object.hasOwn(METHODS, name)) return METHODS[name as keyof typeof METHODS];
  throw wrong(`invalid --call ${JSON.stringify(name)}: expected build, check, outline or targets`);
}

function formatFor(method: CallMethod['method'], format: CallFormat): CallFormat {
  if (method === 'check' || format === 'text' || format === 'json') return format;
  throw wrong(`--call=${method} has no format ${format}: expected text or json`);
}

function wrong(message: string): UsageError {
  return new UsageError(message, {
    command: 'build',
    hint: `e.g. --call=check,format=json; formats of a check: ${CHECK_FORMATS.join(', ')}`,
  });
}
