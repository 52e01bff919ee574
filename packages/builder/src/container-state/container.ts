import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sealJson, unsealJson, writeFileAtomic } from '@tsbuild/oci/internal';
import { type ContainerDescription, isContainerConfig } from './container-config.ts';
import { type ContainerState, isState, readState, writeState } from './container-state.ts';
import { type Fault, faultAt } from '../disk/kept-file.ts';

const STATE = 'state.json';

/** A container of a store: what it is, and the directory where everything of it is. */
export class Container {
  readonly directory: string;
  #config: ContainerDescription;

  private constructor(directory: string, config: ContainerDescription) {
    this.directory = directory;
    this.#config = config;
  }

  /** Reads the container in `directory`; undefined when there is none, it is not made yet, or damaged (`fsck` says so). */
  static read(directory: string): Container | undefined {
    try {
      const config = unsealJson(readFileSync(join(directory, 'config.json'), 'utf8'))?.value;
      return isContainerConfig(config) ? new Container(directory, config) : undefined;
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
      throw error;
    }
  }

  /** What is damaged of the container in `directory`, by the eyes of {@link read} and {@link state}. */
  static verify(directory: string): readonly Fault[] {
    const faults = faultAt(join(directory, 'config.json'), isContainerConfig);
    return [
      ...faults.map(({ path, why }) => ({ path, why: `${why}; what the container wrote is in upper, beside it` })),
      ...faultAt(join(directory, STATE), isState),
    ];
  }

  /** Makes the container in `directory` there for everybody. */
  static async write(directory: string, config: ContainerDescription): Promise<Container> {
    await writeFileAtomic(join(directory, 'config.json'), sealJson(config));
    return new Container(directory, config);
  }

  get config(): ContainerDescription {
    return this.#config;
  }

  get id(): string {
    return this.#config.id;
  }

  get name(): string {
    return this.#config.name;
  }

  /** As people see it: 12 digits. */
  get shortId(): string {
    return this.#config.id.slice(0, 12);
  }

  /** The truth of now, whatever was killed. */
  state(): ContainerState {
    return readState(this.statePath);
  }

  get isRunning(): boolean {
    const { status } = this.state();
    return status === 'running' || status === 'paused';
  }

  setState(state: ContainerState): Promise<void> {
    return writeState(this.statePath, state);
  }

  async setName(name: string): Promise<void> {
    this.#config = { ...this.#config, name };
    await writeFileAtomic(join(this.directory, 'config.json'), sealJson(this.#config));
  }

  get statePath(): string {
    return join(this.directory, STATE);
  }

  /** The log, as docker's `json-file` driver writes it. */
  get logPath(): string {
    return join(this.directory, `${this.id}-json.log`);
  }

  /** What the container changed: the overlay's upper directory. */
  get upper(): string {
    return join(this.directory, 'upper');
  }

  get work(): string {
    return join(this.directory, 'work');
  }

  /** A layer between the image's and `upper`: places to mount on, which are no change of the container. */
  get initLayer(): string {
    return join(this.directory, 'init');
  }

  /** The directories below `upper`, lowest first. */
  get lower(): readonly string[] {
    const links = join(this.directory, 'l');
    const numbers = readdirSync(links).filter((name) => /^\d+$/.test(name));
    return [...numbers.toSorted((a, b) => Number(a) - Number(b)).map((name) => join(links, name)), this.initLayer];
  }
}
