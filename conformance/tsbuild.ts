import { run } from '../test/support/process.ts';
import type { BuildRequest, Built, ImageBuilder } from './builder.ts';

/** The command of this project with a store of its own. */
export class TsbuildBuilder implements ImageBuilder {
  readonly #cli: string;
  readonly #folder: string;

  /** `folder` holds the store and is its HOME. */
  constructor(cli: string, folder: string) {
    this.#cli = cli;
    this.#folder = folder;
  }

  /** Puts an archive into the store. */
  async load(archive: string): Promise<void> {
    const { exitCode, stderr } = await this.#run(['load', '-i', archive]);
    if (exitCode !== 0) throw new Error(`tsbuild load: ${stderr}`);
  }

  async build(request: BuildRequest): Promise<Built> {
    const { args, network, context, stdinFile, env, useCache, archive } = request;
    const given = ['--progress', 'plain', '--network', network, '-o', `type=docker,dest=${archive}`, ...args];
    const { exitCode, stdout, stderr } = await this.#run(
      ['build', ...(useCache ? [] : ['--no-cache']), ...given, context],
      { env, ...(stdinFile !== undefined && { stdinFile }) },
    );
    return { succeeded: exitCode === 0, log: `${stdout}${stderr}` };
  }

  #run(
    args: readonly string[],
    options: { readonly env?: Readonly<Record<string, string>>; readonly stdinFile?: string } = {},
  ) {
    const env = { HOME: this.#folder, TSBUILD_ROOT: `${this.#folder}/store`, ...options.env };
    return run(process.execPath, [this.#cli, ...args], { ...options, env, timeout: 300_000 });
  }
}
