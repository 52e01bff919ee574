import { join } from 'node:path';
import { type Environment, type RegistryOptions, WebClient } from '@tsbuild/oci/node';
import type { BuildOptions } from './build-options.ts';
import type { Materials } from './materials.ts';
import { Secrets } from '../mounts/secrets.ts';
import { ArchiveIndexes } from '../ops/add/archive-indexes.ts';
import type { OpDependencies } from '../ops/dependencies.ts';
import type { Transfer } from '../progress/event.ts';
import type { ProgressReporter } from '../progress/reporter.ts';
import { GitSource } from '../source/git-source.ts';
import { type DownloadProgress, HttpSource } from '../source/http-source.ts';
import type { Store } from '../store/store.ts';
import { TransferReports } from '../source/transfer-reports.ts';

/** Characters of a file's name in progress. */
const LONGEST_NAME = 32;

/** What ADD can add besides files, wired to the store; closed with the build. */
export class AddSources implements Disposable {
  readonly dependencies: Pick<OpDependencies, 'archives' | 'downloads' | 'repositories'>;
  #client: WebClient | undefined;
  #gitClient: WebClient | undefined;

  constructor(options: BuildOptions, store: Store, reporter: ProgressReporter, materials: Materials) {
    const sources = store.directory('sources');
    const temporary = store.directory('tmp');
    const { blobs } = store.layout;
    const secrets = new Secrets(options.secrets ?? new Map(), options.environment);
    const secret = (id: string): Uint8Array | undefined => secrets.get(id);
    const { environment, registry } = options;
    const reports = new TransferReports(reporter);
    const downloads = new HttpSource({
      blobs,
      directory: join(sources, 'http'),
      client: () => (this.#client ??= new WebClient({ environment, ...registry })),
      secret,
      onProgress: (progress) => reports.report(progress.url, downloadOf(progress)),
    });
    const repositories = new GitSource({
      blobs,
      indexes: store.indexes,
      directory: join(sources, 'git'),
      temporary,
      environment,
      secret,
      client: () => (this.#gitClient ??= new WebClient({ environment, ...trustingAsGit(registry, environment) })),
    });
    this.dependencies = {
      archives: { indexes: new ArchiveIndexes(join(sources, 'archives')), temporary },
      downloads: materials.ofFiles(downloads),
      repositories: materials.ofRepositories(repositories),
    };
  }

  [Symbol.dispose](): void {
    this.#client?.[Symbol.dispose]();
    this.#gitClient?.[Symbol.dispose]();
  }
}

/** The authorities that git itself trusts by its environment too: redirects are followed in its place. */
function trustingAsGit(registry: RegistryOptions, { GIT_SSL_CAINFO, SSL_CERT_FILE }: Environment): RegistryOptions {
  const own = [GIT_SSL_CAINFO ?? SSL_CERT_FILE].filter((path) => path !== undefined && path !== '') as string[];
  return { ...registry, caFiles: [...(registry.caFiles ?? []), ...own] };
}

function downloadOf({ url, transferred, total, done }: DownloadProgress): Omit<Transfer, 'type'> {
  const name =
    url
      .replace(/\?\u2026$/, '')
      .split('/')
      .at(-1) ?? '';
  // What is drawn on one row must leave room for the numbers.
  const id =
    name === '' ? new URL(url).host : name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name;
  return { kind: 'download', id, transferred, total, done };
}
