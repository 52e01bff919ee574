import { byteStringToUtf8 } from '@tsbuild/oci';
import { BuildError } from '../diagnostics/build-error.ts';

/** Who a command runs as, in numbers. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups; the primary group is the first of them (CVE-2022-36109). */
  readonly groups: readonly number[];
  /** Home directory for `HOME`; `/` when the image does not say. */
  readonly home: string;
}

/** More than any real file: an image's passwd is read into memory (CVE-2024-9676). */
const MAX_SIZE = 1024 * 1024;
/** The kernel's largest id; 2^32 − 1 means "no change" to it. */
const MAX_ID = 0xffff_fffe;

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/**
 * Looks a `USER` (`name`, `uid`, `name:group`, `uid:gid`, empty for root) up in an image's own files, as runc does: a
 * number is an id and need not be listed; a group given leaves no supplementary groups; without one the primary group is the
 * account's, else 0, and all groups that list the account's name are supplementary.
 * @param passwd content of the image's /etc/passwd, undefined when it has none
 * @param group content of its /etc/group
 * @throws BuildError `RUN_FAILED`
 */
export function lookupUser(user: string, passwd: Uint8Array | undefined, group: Uint8Array | undefined): Identity {
  const colon = user.indexOf(':');
  const userPart = colon < 0 ? user : user.slice(0, colon);
  const groupPart = colon < 0 ? '' : user.slice(colon + 1);
  const account = findAccount(userPart === '' ? '0' : userPart, passwd);
  const groups = parseGroups(group);
  const home = account.home === '' ? '/' : account.home;
  if (groupPart !== '') {
    const gid = findGroup(groupPart, groups);
    return { uid: account.uid, gid, groups: [gid], home };
  }
  const extra = groups
    .filter(({ members }) => account.name !== '' && members.includes(account.name))
    .map(({ gid }) => gid);
  return { uid: account.uid, gid: account.gid, groups: [...new Set([account.gid, ...extra])], home };
}

function findAccount(text: string, passwd: Uint8Array | undefined): Account {
  const accounts = parseAccounts(passwd);
  const uid = parseId(text);
  if (uid === undefined && /^-?\d+$/.test(text)) throw outOfRange('user', text);
  // A number is an id, whatever name an image's files have: an account *named* 1000 could be root (CVE-2016-3697).
  const found = accounts.find((account) => (uid === undefined ? account.name === text : account.uid === uid));
  if (found !== undefined) return found;
  if (uid !== undefined) return { name: '', uid, gid: 0, home: '/' };
  throw new BuildError('RUN_FAILED', `unable to find user ${text}: no matching entries in passwd file`, {
    hint: `Create it first (RUN adduser ${text}), or give its number.`,
  });
}

function findGroup(text: string, groups: readonly Group[]): number {
  const gid = parseId(text);
  if (gid !== undefined) return gid;
  if (/^-?\d+$/.test(text)) throw outOfRange('group', text);
  const found = groups.find(({ name }) => name === text);
  if (found !== undefined) return found.gid;
  throw new BuildError('RUN_FAILED', `unable to find group ${text}: no matching entries in group file`, {
    hint: `Create it first (RUN addgroup ${text}), or give its number.`,
  });
}

function outOfRange(kind: string, text: string): BuildError {
  return new BuildError('RUN_FAILED', `${kind} ${text} is out of range: ids go from 0 to ${MAX_ID}`);
}

function parseAccounts(file: Uint8Array | undefined): readonly Account[] {
  return records(file, '/etc/passwd').flatMap((fields) => {
    const [name = '', , uidText = '', gidText = '', , home = ''] = fields;
    const uid = parseId(uidText);
    const gid = parseId(gidText);
    return name === '' || uid === undefined || gid === undefined ? [] : [{ name, uid, gid, home }];
  });
}

function parseGroups(file: Uint8Array | undefined): readonly Group[] {
  return records(file, '/etc/group').flatMap((fields) => {
    const [name = '', , gidText = '', members = ''] = fields;
    const gid = parseId(gidText);
    return name === '' || gid === undefined ? [] : [{ name, gid, members: members.split(',') }];
  });
}

/** Fields of each line; lines that are empty or comments are skipped, as glibc does. */
function records(file: Uint8Array | undefined, path: string): readonly (readonly string[])[] {
  if (file === undefined) return [];
  if (file.length > MAX_SIZE) {
    throw new BuildError(
      'RUN_FAILED',
      `${path} of the image has ${file.length} bytes; more than ${MAX_SIZE} are not read`,
    );
  }
  return byteStringToUtf8(Buffer.from(file).toString('latin1'))
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
}

function parseId(text: string): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= MAX_ID ? id : undefined;
}
