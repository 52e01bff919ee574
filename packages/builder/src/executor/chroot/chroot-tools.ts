import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CAPS_TOOL, EXEC_TOOL } from '../exec-failure.ts';
import { requireTool } from '../host-tools.ts';
import { linkTool } from '../sandbox-scratch.ts';

/** Programs under names of ours (see exec-failure.ts). */
export interface ChrootTools {
  /** util-linux `setpriv`. */
  readonly caps: string;
  /** util-linux `nsenter`, which without a namespace to enter changes root, directory and user: seccomp forbids `unshare` here. */
  readonly exec: string;
}

/** Makes what is missing of them below `directory`; safe among processes. */
export function prepareChrootTools(directory: string): ChrootTools {
  const own = join(directory, 'chroot');
  mkdirSync(own, { recursive: true, mode: 0o700 });
  const tools = { caps: join(own, CAPS_TOOL), exec: join(own, EXEC_TOOL) };
  linkTool(tools.caps, requireTool('setpriv'));
  linkTool(tools.exec, requireTool('nsenter'));
  return tools;
}
