import { accessSync, chmodSync, constants, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { OciError } from '../spec/oci-error.ts';
import { LAYOUT_NAMES } from '../processes/layout-names.ts';
import { unwritable } from '../processes/store-errors.ts';

/** Group and others. */
const OTHERS = 0o077;

/** What {@link closeStore} did and found. */
export interface StoreAccess {
  /** The mode that the store's directory had until now; undefined when it was left as it is. */
  readonly closedFrom?: number;
  /** Whose the store is, when it is another user's: name and uid. */
  readonly foreignOwner?: string;
}

/**
 * Closes a store to all users but its owner. A layer holds private files, and setuid programs that must not be executed
 * on the host (CVE-2021-41091). Left as they are: a store that its owner shares (a file `shared` in it), one of another
 * user, and a directory that is no store. Never throws.
 */
export function closeStore(root: string): StoreAccess {
  try {
    const stats = statSync(root);
    if (stats.uid !== process.geteuid?.()) return { foreignOwner: ownerName(stats.uid) };
    if ((stats.mode & OTHERS) === 0 || !holdsStore(root) || isShared(root)) return {};
    chmodSync(root, stats.mode & 0o7777 & ~OTHERS);
    return { closedFrom: stats.mode & 0o7777 };
  } catch {
    // Missing, or unreachable: whoever opens it says so.
    return {};
  }
}

/**
 * Makes the directory of a store when it is missing, and closes it to all users but its owner.
 * @throws OciError `STORE_UNWRITABLE`, and `LAYOUT_INVALID` for a store that its owner does not share, or a directory that
 * holds other things and that others can enter
 */
export function openStoreDirectory(root: string): void {
  const stats = statOf(root);
  if (stats === undefined) return makeDirectory(root);
  if (!stats.isDirectory()) return; // What a layout needs in it cannot be made; the error says that.
  if (stats.uid !== process.geteuid?.()) return checkAccess(root, stats);
  closeStore(root);
  const isOpen = (stats.mode & OTHERS) !== 0 && !holdsStore(root) && !isShared(root);
  if (!isOpen || readdirSync(root).includes(LAYOUT_NAMES.marker)) return;
  throw invalid(root, 'it contains other files, and other users can access it; choose a dedicated directory');
}

function makeDirectory(root: string): void {
  try {
    // The directories above it, too, as the XDG base directory specification says.
    mkdirSync(root, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unwritable(root, error);
  }
}

function checkAccess(root: string, { uid }: Stats): void {
  try {
    accessSync(root, constants.R_OK | constants.X_OK);
  } catch {
    const why = `it belongs to ${ownerName(uid)}, who does not share it`;
    throw invalid(root, `${why}; choose your own store`);
  }
}

/** True for a store, for the beginning of one, and for an empty directory, which is to be one. */
function holdsStore(root: string): boolean {
  const names = readdirSync(root);
  return names.includes(LAYOUT_NAMES.version) || names.every((name) => BEGINNING.has(name));
}

/** What a store that is being made, or a new file system, may hold. */
const { temporary, leases, blobs, lock, shared } = LAYOUT_NAMES;
const BEGINNING: ReadonlySet<string> = new Set([temporary, leases, blobs, lock, shared, 'lost+found']);

function isShared(root: string): boolean {
  return statOf(join(root, LAYOUT_NAMES.shared)) !== undefined;
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** `name (uid 1000)`, as far as /etc/passwd knows the name. */
function ownerName(uid: number): string {
  let name: string | undefined;
  try {
    const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
    name = lines.map((line) => line.split(':')).find(([, , id]) => id === String(uid))?.[0];
  } catch {
    // No such file here.
  }
  return name === undefined ? `uid ${uid}` : `${name} (uid ${uid})`;
}

function invalid(root: string, why: string): OciError {
  return new OciError('LAYOUT_INVALID', `cannot use the store at ${root}: ${why}`, {
    fields: { path: root, access: 'refused' },
  });
}
