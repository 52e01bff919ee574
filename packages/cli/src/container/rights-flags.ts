import { type CreateOptions, readCapabilities } from '@tsbuild/builder';
import { parseLimit } from './run-options.ts';
import { UsageError } from '../host/usage-error.ts';

/** The flags that say what a container may do. */
export interface RightsFlags {
  readonly 'cap-add': readonly string[];
  readonly 'cap-drop': readonly string[];
  readonly 'security-opt': readonly string[];
  readonly ulimit: readonly string[];
}

type Rights = Pick<CreateOptions, 'capAdd' | 'capDrop' | 'noNewPrivileges' | 'limits'>;

/** @throws UsageError; BuildError for a capability */
export function rightsOf(flags: RightsFlags): Rights {
  const capAdd = readCapabilities(flags['cap-add'], '--cap-add');
  const capDrop = readCapabilities(flags['cap-drop'], '--cap-drop');
  const limits = flags.ulimit.map((text) => parseLimit(text, 'run'));
  const noNewPrivileges = flags['security-opt'].map(forbidsPrivileges).findLast((each) => each !== undefined);
  return {
    ...(capAdd.length === 0 ? {} : { capAdd }),
    ...(capDrop.length === 0 ? {} : { capDrop }),
    ...(limits.length === 0 ? {} : { limits }),
    ...(noNewPrivileges === true ? { noNewPrivileges } : {}),
  };
}

/** `NAME[=VALUE]`, with a colon in old scripts. What is said of security modules is so: containers are in none here. */
function forbidsPrivileges(text: string): boolean | undefined {
  const [name = '', value = ''] = text.split(/[=:]/, 2);
  if (name === 'no-new-privileges' && ['', 'true', 'false'].includes(value)) return value !== 'false';
  if ((name === 'apparmor' && value === 'unconfined') || (name === 'label' && value === 'disable')) return undefined;
  throw new UsageError(`--security-opt ${text} is not supported`, {
    command: 'run',
    hint: 'use no-new-privileges; to change the seccomp filter, use docker or podman',
  });
}
