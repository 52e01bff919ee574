import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Layout } from '@tsbuild/oci/node';
import { output } from '../test/support/process.ts';
import { serveStore } from './registry.ts';

/** Stores to begin with: none; one with a base image; one in which an image was built from it. */
export type Template = 'none' | 'base' | 'built';

/** A command that changes a store. */
export interface Scenario {
  readonly name: string;
  readonly template: Template;
  readonly args: readonly string[];
  /** Failing calls are tried in another scenario that makes the same ones. */
  readonly onlyDeaths?: true;
  /** A build that must give what it gave when nothing went wrong, once the command was repeated. */
  readonly afterwards?: readonly string[];
}

const DOCKERFILE = `FROM busybox AS made
WORKDIR /work
COPY a.txt sub/ ./
RUN --mount=type=cache,target=/cache set -e; echo made >out; rm /bin/vi; mkdir -p d/e; echo x >/cache/x
FROM busybox
COPY --from=made /work /app
COPY a.txt /
CMD ["cat", "/a.txt"]
`;

/** A folder with everything that the scenarios need. */
export class Lab implements AsyncDisposable {
  readonly directory: string;
  readonly #cli: string;
  readonly scenarios: readonly Scenario[];
  readonly #close: () => Promise<void>;

  private constructor(directory: string, cli: string, scenarios: readonly Scenario[], close: () => Promise<void>) {
    this.directory = directory;
    this.#cli = cli;
    this.scenarios = scenarios;
    this.#close = close;
  }

  /** @param base an archive of the image busybox */
  static async open(directory: string, cli: string, base: string): Promise<Lab> {
    const context = await makeContext(join(directory, 'context'), 'one');
    const changed = await makeContext(join(directory, 'changed'), 'two');
    const lab = new Lab(directory, cli, [], async () => {});
    await lab.#run('base', ['load', '-q', '-i', base]);
    await cp(lab.template('base'), lab.template('built'), { recursive: true, verbatimSymlinks: true });
    const build = (folder: string, isolation: string): string[] =>
      ['build', '-q', '-t', 'app', '--isolation', isolation, folder]; // biome-ignore format: one command
    await lab.#run('built', build(context, 'namespaces'));
    const registry = await serveStore(lab.template('built'), 'app');
    const plain = build(context, 'namespaces');
    const scenarios: Scenario[] = [
      { name: 'build', template: 'base', args: plain },
      { name: 'build with runc', template: 'base', args: build(context, 'auto'), onlyDeaths: true },
      { name: 'rebuild', template: 'built', args: build(changed, 'namespaces') },
      { name: 'load', template: 'none', args: ['load', '-q', '-i', base] },
      { name: 'pull', template: 'none', args: ['pull', '-q', `${registry.address}/app`] },
      { name: 'tag', template: 'built', args: ['tag', 'app', 'another'] },
      { name: 'rmi', template: 'base', args: ['rmi', '-f', 'busybox'] },
      { name: 'prune', template: 'built', args: ['cache', 'prune', '-f', '-a'], afterwards: plain },
    ];
    return new Lab(directory, cli, scenarios, registry.close);
  }

  template(name: Template): string {
    return join(this.directory, `template-${name}`);
  }

  /** A fresh store for a scenario at `store`. */
  async begin({ template }: Scenario, store: string): Promise<void> {
    await rm(store, { recursive: true, force: true });
    await mkdir(dirname(store), { recursive: true });
    if (template !== 'none') await output('cp', ['-a', this.template(template), store]);
  }

  /** The words that start a command. */
  words(args: readonly string[]): readonly string[] {
    return [process.execPath, this.#cli, ...args];
  }

  env(store: string): Readonly<Record<string, string>> {
    return { TSBUILD_ROOT: store, HOME: this.directory, SOURCE_DATE_EPOCH: '1700000000' };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  async #run(template: Template, args: readonly string[]): Promise<void> {
    const [program = '', ...words] = this.words(args);
    await output(program, words, { env: this.env(this.template(template)) });
  }
}

/** Which images a store holds: names and IDs. */
export async function imagesOf(store: string): Promise<string> {
  const images = await (await Layout.open(store)).images();
  const lines = images.map(({ id, names }) => `${id} ${names.map(({ repository, tag }) => `${repository}:${tag}`)}`);
  return lines.toSorted().join('\n');
}

async function makeContext(folder: string, text: string): Promise<string> {
  await mkdir(join(folder, 'sub'), { recursive: true });
  await writeFile(join(folder, 'Dockerfile'), DOCKERFILE);
  await writeFile(join(folder, 'a.txt'), `${text}\n`);
  for (const name of ['1', '2', '3']) await writeFile(join(folder, 'sub', name), name.repeat(5000));
  return folder;
}
