import { closeStore, LAYOUT_NAMES } from '@tsbuild/oci/internal';
import type { Host } from '../host/host.ts';
import { sanitizeName } from '../output/sanitize.ts';

/** Commands that use no store. */
const WITHOUT_STORE: ReadonlySet<string> = new Set(['login', 'logout', 'completion', 'doctor']);

/** Set in the process that runs inside a user namespace: the one outside has said all of it. */
const INSIDE = 'TSBUILD_USERNS';

/** Closes the store to other users before a command uses it, and tells what may surprise: that it was open, or is another user's. */
export function tellStoreAccess(command: string, root: string, host: Host, asJson: boolean): void {
  if (WITHOUT_STORE.has(command) || host.env[INSIDE] !== undefined) return;
  const { closedFrom, foreignOwner } = closeStore(root);
  const say = (text: string): void => {
    const event = { type: 'notice', level: 'warning', message: text };
    host.stderr.write(asJson ? `${JSON.stringify(event)}\n` : `WARNING: ${sanitizeName(text)}\n`);
  };
  if (closedFrom !== undefined) {
    const mode = closedFrom.toString(8).padStart(4, '0');
    say(
      `other users could reach the store at ${root} (mode ${mode}); only you can now. To share it: touch ${root}/${LAYOUT_NAMES.shared}, then chmod`,
    );
  }
  if (foreignOwner !== undefined) {
    say(
      `the store at ${root} belongs to ${foreignOwner}, who may not be able to change or remove files that you create in it; use --root or TSBUILD_ROOT for another store`,
    );
  }
}
