import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobStore, type Digest, isDigest, OciError } from '@tsbuild/oci';
import { temporaryPath } from '@tsbuild/oci/internal';
import { type LayerIndexStore, type WebClient } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';
import { writeCheckout } from './git-layer.ts';
import { credentialFor, plainRemote } from './git-credentials.ts';
import { GitProgram } from './git-program.ts';
import { findRepository } from './git-redirects.ts';
import { KeptJson } from './kept-json.ts';
import type { SecretLookup } from './remote-credentials.ts';

/** Which files of which commit. */
export interface GitWanted {
  readonly remote: string;
  readonly ref: string | undefined;
  readonly folder: string;
  readonly keepGitDir: boolean | undefined;
  readonly submodules: boolean;
  readonly commit: string | undefined;
}

/** A commit's files as a layer. */
interface Checkout {
  /** In full. */
  readonly commit: string;
  readonly rootfs: { readonly layers: readonly { readonly digest: Digest }[] };
  ensure(signal: AbortSignal): Promise<void>;
}

/** What {@link GitSource} works with. */
export interface GitSourceOptions {
  readonly blobs: BlobStore;
  readonly indexes: LayerIndexStore;
  /** Where records lie. */
  readonly directory: string;
  /** Where repositories are checked out for a while. */
  readonly temporary: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Credentials for repositories over HTTP, see `repositoryAuthorization`. */
  readonly secret?: SecretLookup;
  /** Made when a repository redirects. */
  readonly client: () => WebClient;
  /** How long git may be silent, in milliseconds; two minutes unless told. */
  readonly silence?: number;
}

/** The layer that a commit's files are stored as. */
interface CommitRecord {
  readonly layer: Digest;
}

/** The commits that were fetched. */
export function commitRecords(directory: string): KeptJson<CommitRecord> {
  return new KeptJson(directory, (record) => isDigest(record.layer));
}

/**
 * Commits of git repositories, for ADD, by the program `git`. A commit's files are stored as a layer: whoever names the
 * same commit again finds them there, and a full commit id is not even asked for.
 */
export class GitSource {
  readonly #options: GitSourceOptions;
  readonly #records: KeptJson<CommitRecord>;
  readonly #resolving = new Map<string, Promise<Checkout>>();

  constructor(options: GitSourceOptions) {
    this.#options = options;
    this.#records = commitRecords(options.directory);
  }

  /** @throws BuildError `GIT_FAILED`, `SOURCE_NOT_FOUND` */
  async resolve(wanted: GitWanted, signal: AbortSignal): Promise<Checkout> {
    const key = JSON.stringify(wanted);
    let resolving = this.#resolving.get(key);
    if (resolving === undefined) {
      resolving = this.#resolve(wanted, signal);
      this.#resolving.set(key, resolving);
    }
    return resolving;
  }

  async #resolve(wanted: GitWanted, signal: AbortSignal): Promise<Checkout> {
    const git = this.#git(wanted.remote);
    const commit = await this.#commit(wanted, git, signal);
    if (wanted.commit !== undefined && !commit.startsWith(wanted.commit)) {
      throw new BuildError('GIT_FAILED', `expected commit ${wanted.commit}, but the repository has ${commit}`);
    }
    const { remote, folder, keepGitDir = false, submodules } = wanted;
    const name = JSON.stringify([plainRemote(remote), commit, folder, keepGitDir, submodules]);
    const layer = (await this.#known(name, keepGitDir)) ?? (await this.#fetch(wanted, commit, git, signal));
    await this.#records.put(name, { layer });
    return {
      commit,
      rootfs: { layers: [{ digest: layer }] },
      ensure: async (later) => {
        if ((await this.#options.blobs.has(layer)) !== undefined) return;
        const again = await this.#fetch(wanted, commit, git, later);
        if (again !== layer)
          throw new BuildError('FILE_CHANGED', `commit ${commit} no longer has the content it had before`);
      },
    };
  }

  #git(remote: string): GitProgram {
    const { environment, secret, client, silence } = this.#options;
    return new GitProgram({
      environment,
      silence,
      credential: credentialFor(remote, secret),
      find: async (url, credentials, signal) => {
        try {
          return await findRepository(client(), url, { credentials, secret }, signal);
        } catch (cause) {
          if (!(cause instanceof OciError)) throw cause;
          throw new BuildError('GIT_FAILED', `cannot follow ${url}: ${cause.message}`, { cause });
        }
      },
    });
  }

  /** The layer of a commit that was checked out before. What git keeps for itself is never the same twice. */
  async #known(name: string, keepGitDir: boolean): Promise<Digest | undefined> {
    const { blobs, indexes } = this.#options;
    const layer = this.#records.get(name)?.layer;
    if (layer === undefined) return undefined;
    const isKept = !keepGitDir && (await indexes.kept(layer)) !== undefined;
    return isKept || (await blobs.has(layer)) !== undefined ? layer : undefined;
  }

  async #commit({ remote, ref = 'HEAD' }: GitWanted, git: GitProgram, signal: AbortSignal): Promise<string> {
    if (isCommit(ref)) return ref.toLowerCase();
    const listed = await git.run(['ls-remote', plainRemote(remote), ref, `${ref}^{}`], '/', signal);
    const refs = new Map<string, string>();
    for (const line of listed.split('\n')) {
      const [commit, name] = line.split('\t');
      if (commit !== undefined && name !== undefined && isCommit(commit)) refs.set(name, commit);
    }
    for (const name of [
      `refs/heads/${ref}`,
      `refs/tags/${ref}^{}`,
      `refs/tags/${ref}`,
      `${ref}^{}`,
      ref,
      `refs/${ref}`,
    ]) {
      const commit = refs.get(name);
      if (commit !== undefined) return commit;
    }
    throw new BuildError('GIT_FAILED', `the repository ${plainRemote(remote)} does not contain ref ${ref}`);
  }

  async #fetch(wanted: GitWanted, commit: string, git: GitProgram, signal: AbortSignal): Promise<Digest> {
    const { temporary, blobs, indexes } = this.#options;
    const directory = temporaryPath(temporary, 'git');
    await mkdir(directory, { recursive: true, mode: 0o700 });
    try {
      await checkOut(wanted, commit, git, directory, signal);
      const seconds = Number((await git.run(['show', '-s', '--format=%ct', 'HEAD'], directory, signal)).trim());
      const { folder, keepGitDir = false } = wanted;
      const layer = await writeCheckout({ directory, folder, keepGitDir, seconds }, await blobs.create());
      await indexes.put(layer.digest, layer.index);
      return layer.digest;
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
}

async function checkOut(
  wanted: GitWanted,
  commit: string,
  git: GitProgram,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const run = (...args: string[]): Promise<string> => git.run(args, directory, signal);
  await run('-c', 'init.defaultBranch=main', 'init', '-q', '--template=');
  await run('remote', 'add', 'origin', plainRemote(wanted.remote));
  const fetch = (...args: string[]): Promise<string> =>
    run('fetch', '-q', '--progress', '--no-tags', '--force', ...args);
  try {
    await fetch('--depth=1', 'origin', commit);
  } catch (error) {
    signal.throwIfAborted();
    // Older servers hand out what has a name only.
    if (wanted.ref === undefined || isCommit(wanted.ref))
      await fetch('origin', 'refs/*:refs/tsbuild/*').catch(() => {
        throw error;
      });
    else await fetch('--depth=1', 'origin', wanted.ref);
  }
  await run('checkout', '-q', '--progress', '--detach', commit);
  if (wanted.submodules && existsSync(join(directory, '.gitmodules'))) {
    await run('submodule', '--quiet', 'update', '--init', '--recursive', '--depth=1', '--progress');
  }
}

function isCommit(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(text);
}
