import { UsageError } from '../../host/usage-error.ts';
import type { BuildFlags } from './build-options.ts';

const METHODS = { check: 'check', lint: 'check', outline: 'outline', targets: 'targets' } as const;

/** What `--call` asks for in place of a build. */
export interface CallMethod {
  readonly method: 'check' | 'outline' | 'targets';
  readonly json: boolean;
  /** Warnings are no failure. */
  readonly ignoreStatus: boolean;
}

/**
 * Reads `--call=METHOD[,format=json|text][,ignorestatus]` and its short form `--check`; undefined for a build.
 * @throws UsageError
 */
export function parseCall({ call = '', check }: Pick<BuildFlags, 'call' | 'check'>): CallMethod | undefined {
  const [name = '', ...fields] = call.split(',');
  if ((name === '' || name === 'build') && fields.length === 0 && !check) return undefined;
  const method = check && (name === '' || name === 'build') ? 'check' : methodOf(name);
  if (check && method !== 'check') throw wrong(`--check and --call=${name} cannot be used together`);
  let json = false;
  let ignoreStatus = false;
  for (const field of fields) {
    const [, key = '', value = ''] = /^([^=]*)(?:=(.*))?$/.exec(field) ?? [];
    if (key === 'format' && (value === 'json' || value === 'text')) json = value === 'json';
    else if (key === 'ignorestatus' && /^(?:|true|1|false|0)$/.test(value)) ignoreStatus = !/^(?:false|0)$/.test(value);
    else throw wrong(`invalid --call ${JSON.stringify(call)}: unknown field ${JSON.stringify(field)}`);
  }
  return { method, json, ignoreStatus };
}

function methodOf(name: string): CallMethod['method'] {
  if (Object.hasOwn(METHODS, name)) return METHODS[name as keyof typeof METHODS];
  throw wrong(`invalid --call ${JSON.stringify(name)}: expected build, check, outline or targets`);
}

function wrong(message: string): UsageError {
  return new UsageError(message, { command: 'build', hint: 'e.g. --call=check,format=json' });
}
