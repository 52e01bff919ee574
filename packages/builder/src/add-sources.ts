import { join } from 'node:path';
import { WebClient } from '@tsbuild/oci/node';
import type { BuildOptions } from './build-options.ts';
import { ArchiveIndexes } from './ops/archive-indexes.ts';
import type { OpDependencies } from './ops/dependencies.ts';
import { GitSource } from './source/git-source.ts';
import { HttpSource } from './source/http-source.ts';
import type { Store } from './store.ts';

/** What ADD can add besides files, wired to the store; closed with the build. */
export class AddSources implements Disposable {
  readonly dependencies: Pick<OpDependencies, 'archives' | 'downloads' | 'repositories'>;
  #client: WebClient | undefined;

  constructor(options: BuildOptions, store: Store) {
    const sources = store.directory('sources');
    const temporary = store.directory('tmp');
    const { blobs } = store.layout;
    this.dependencies = {
      archives: { indexes: new ArchiveIndexes(join(sources, 'archives')), temporary },
      downloads: new HttpSource({
        blobs,
        directory: join(sources, 'http'),
        client: () => (this.#client ??= new WebClient({ environment: options.environment, ...options.registry })),
      }),
      repositories: new GitSource({
        blobs,
        indexes: store.indexes,
        directory: join(sources, 'git'),
        temporary,
        environment: options.environment,
      }),
    };
  }

  [Symbol.dispose](): void {
    this.#client?.[Symbol.dispose]();
  }
}
