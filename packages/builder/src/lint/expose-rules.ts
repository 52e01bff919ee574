import type { ExposeInstruction } from '../dockerfile/instruction.ts';
import { expandWords } from '../dockerfile/words.ts';
import type { StageScope } from './stage-scope.ts';

/** Checks of ports; BuildKit does not look for undefined variables here. */
export function checkExpose(scope: StageScope, instruction: ExposeInstruction): void {
  for (const port of portsOf(scope, instruction)) {
    const [address, protocol = ''] = splitOnce(port);
    if (protocol !== protocol.toLowerCase()) {
      const message = `Defined protocol '${port}' in EXPOSE instruction should be lowercase`;
      scope.report('ExposeProtoCasing', instruction, message);
    }
    // `host:container` or `ip:host:container`; an empty part maps nothing.
    const before = address.split(':').slice(0, -1).join(':');
    if (before.replaceAll(':', '') !== '') {
      const message = `EXPOSE instruction should not define an IP address or host-port mapping, found '${port}'`;
      scope.report('ExposeInvalidFormat', instruction, message);
    }
  }
}

function portsOf({ variables, words }: StageScope, { ports }: ExposeInstruction): readonly string[] {
  try {
    return ports.flatMap((word) => expandWords(word, variables.lookup, words));
  } catch {
    return [];
  }
}

function splitOnce(port: string): readonly [string, string?] {
  const slash = port.indexOf('/');
  return slash < 0 ? [port] : [port.slice(0, slash), port.slice(slash + 1)];
}
