import { isUnsafeName } from '../unsafe-environment.ts';
import { isPlainName } from './shell-environment.ts';

/** True when every executor can give a command a variable of this name without its value being seen by anybody else. */
export function canBeSecret(name: string): boolean {
  return isPlainName(name) && !isUnsafeName(name);
}
