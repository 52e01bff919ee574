import { BuildError } from '../../diagnostics/build-error.ts';

/** A place in a git repository, as a source of ADD names it. */
export interface GitReference {
  /** The source as written. */
  readonly text: string;
  /** For `git fetch`; may hold a user name and a password, so it is shown by {@link withoutCredentials} only. */
  readonly remote: string;
  /** Branch, tag or commit; undefined for the default branch. */
  readonly ref: string | undefined;
  /** Clean and relative; empty for the whole repository. */
  readonly folder: string;
  /** Keep `.git`; undefined when nothing is said. */
  readonly keepGitDir: boolean | undefined;
  readonly submodules: boolean;
  /** The commit must begin with these hexadecimal digits. */
  readonly commit: string | undefined;
}

const SCP = /^(?:[\w.-]+@)[^/:\s]+:(?!\/\/)/;
const SCHEME = /^(https?|ssh|git):\/\//i;

/**
 * Reads a git source: `git@host:path`, `ssh://`, `git://`, or `http(s)://` whose path ends in `.git`; then `?branch=…&…`
 * or `#ref:folder`. Undefined for anything else.
 * @throws BuildError `DOCKERFILE_INVALID` for one that says something impossible
 */
export function parseGitReference(text: string): GitReference | undefined {
  const hash = text.indexOf('#');
  const fragment = hash < 0 ? '' : text.slice(hash + 1);
  const beforeHash = hash < 0 ? text : text.slice(0, hash);
  const question = beforeHash.indexOf('?');
  const remote = question < 0 ? beforeHash : beforeHash.slice(0, question);
  const scheme = SCHEME.exec(remote)?.[1]?.toLowerCase();
  if (scheme === undefined && !SCP.test(remote)) return undefined;
  if (scheme?.startsWith('http') && !remote.endsWith('.git')) return undefined;
  if (remote.startsWith('-') || /[\0\n]/.test(remote)) throw invalid(text, 'it is not an address');
  const query = question < 0 ? '' : beforeHash.slice(question + 1);
  const reference = withQuery(text, query, fromFragment(text, remote, fragment));
  if (reference.ref?.startsWith('-')) throw invalid(text, 'a ref does not begin with "-"');
  return reference;
}

function fromFragment(text: string, remote: string, fragment: string): GitReference {
  const colon = fragment.indexOf(':');
  const ref = colon < 0 ? fragment : fragment.slice(0, colon);
  return {
    text,
    remote,
    ref: ref === '' ? undefined : ref,
    folder: cleanFolder(colon < 0 ? '' : fragment.slice(colon + 1)),
    keepGitDir: undefined,
    submodules: true,
    commit: undefined,
  };
}

/** The keys that BuildKit knows; whoever names one twice, or a ref in two ways, is told so. */
function withQuery(text: string, query: string, start: GitReference): GitReference {
  let reference = start;
  const seen = new Set<string>();
  for (const [key, value] of new URLSearchParams(query)) {
    if (seen.has(key)) throw invalid(text, `${key} is given twice`);
    seen.add(key);
    switch (key) {
      case 'ref':
      case 'branch':
      case 'tag':
        if (reference.ref !== undefined) throw invalid(text, 'it names a ref more than once');
        reference = { ...reference, ref: { ref: '', branch: 'refs/heads/', tag: 'refs/tags/' }[key] + value };
        break;
      case 'subdir':
        if (reference.folder !== '') throw invalid(text, 'it names a subdirectory more than once');
        reference = { ...reference, folder: cleanFolder(value) };
        break;
      case 'checksum':
      case 'commit':
        if (reference.commit !== undefined) throw invalid(text, 'it names a commit more than once');
        if (!/^[0-9a-f]{7,64}$/i.test(value)) throw invalid(text, `${JSON.stringify(value)} is not a commit`);
        reference = { ...reference, commit: value.toLowerCase() };
        break;
      case 'keep-git-dir':
        reference = { ...reference, keepGitDir: flag(text, key, value) };
        break;
      case 'submodules':
        reference = { ...reference, submodules: flag(text, key, value) };
        break;
      case 'fetch-by-commit':
        // A commit is fetched by its id whenever the server gives it out so.
        flag(text, key, value);
        break;
      default:
        throw invalid(text, `unexpected query ${JSON.stringify(key)}`);
    }
  }
  return reference;
}

function flag(text: string, key: string, value: string): boolean {
  if (['', '1', 'true', 't'].includes(value.toLowerCase())) return true;
  if (['0', 'false', 'f'].includes(value.toLowerCase())) return false;
  throw invalid(text, `${key} must be true or false, not ${JSON.stringify(value)}`);
}

function cleanFolder(text: string): string {
  const names = text.split('/').filter((name) => name !== '' && name !== '.');
  if (names.includes('..')) throw invalid(text, 'the path of a subdirectory cannot contain ".."');
  return names.join('/');
}

function invalid(text: string, problem: string): BuildError {
  return new BuildError('DOCKERFILE_INVALID', `invalid git source ${withoutCredentials(text)}: ${problem}`, {
    hint: 'write https://host/repository.git#branch:directory, or …git?branch=…&subdir=…',
  });
}

/** A URL for people, records and images: user names and passwords are blotted out, as BuildKit does it. */
export function withoutCredentials(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*)@/i, (_, scheme: string, userinfo: string) =>
    // The user name of ssh is no secret, and most often `git`.
    /^ssh:/i.test(scheme) && !userinfo.includes(':') ? `${scheme}${userinfo}@` : `${scheme}xxxxx:xxxxx@`,
  );
}

/** A text of a Dockerfile as records may keep it: of all URLs in it, as of one by {@link withoutCredentials}. */
export function withoutPasswords(text: string): string {
  // From the colon on: a pattern for the scheme before it would be tried at each of 65,535 letters, up to the end.
  return text.replace(/(?<=[a-z0-9+.-]):\/\/[^\s/?#@:"']*:[^\s/?#@"']+@/gi, '://xxxxx:xxxxx@');
}
