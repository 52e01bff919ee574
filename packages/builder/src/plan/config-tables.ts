import type { RunConfig } from './run-config.ts';

/** The fields of a config that are kept as tables while a stage is folded. */
type Tables = Pick<RunConfig, 'Env' | 'Labels' | 'ExposedPorts' | 'Volumes' | 'OnBuild'>;

/** What a port or a volume maps to. */
type Nothing = NonNullable<RunConfig['Volumes']>[string];

/** The fields of a config that are no tables. */
export function withoutTables({
  Env: _e,
  Labels: _l,
  ExposedPorts: _p,
  Volumes: _v,
  OnBuild: _o,
  ...rest
}: RunConfig): RunConfig {
  return rest;
}

/**
 * The parts of a config that grow: each instruction adds to them in place, where a new object for each would make a file of
 * 20,000 ENV lines cost 200 million copies. Names come from Dockerfiles and images, so they are keys of maps and never of
 * objects: `__proto__` is a label like any other.
 */
export class ConfigTables {
  readonly #env: string[];
  /** Whether the config has an environment even where nothing is in it. */
  readonly #hasEnv: boolean;
  /** Where a name stands in `#env`, its first place. */
  readonly #places: Map<string, number>;
  #labels: Map<string, string> | undefined;
  #ports: Map<string, Nothing> | undefined;
  #volumes: Map<string, Nothing> | undefined;
  #triggers: string[] | undefined;

  /** Begins with what a config says, or with copies of other tables. */
  constructor(start: Tables | ConfigTables) {
    if (start instanceof ConfigTables) {
      this.#env = [...start.#env];
      this.#hasEnv = start.#hasEnv;
      this.#places = new Map(start.#places);
      this.#labels = start.#labels && new Map(start.#labels);
      this.#ports = start.#ports && new Map(start.#ports);
      this.#volumes = start.#volumes && new Map(start.#volumes);
      this.#triggers = start.#triggers && [...start.#triggers];
      return;
    }
    const { Env = [], Labels, ExposedPorts, Volumes, OnBuild } = start;
    this.#env = [...Env];
    this.#hasEnv = start.Env !== undefined;
    this.#places = placesOf(Env);
    this.#labels = Labels && new Map(Object.entries(Labels));
    this.#ports = ExposedPorts && new Map(Object.entries(ExposedPorts));
    this.#volumes = Volumes && new Map(Object.entries(Volumes));
    this.#triggers = OnBuild && [...OnBuild];
  }

  /** `KEY=value`, as the config has them. */
  get environment(): readonly string[] {
    return this.#env;
  }

  /** How many entries there are in all. */
  get size(): number {
    const tables = [this.#labels, this.#ports, this.#volumes];
    return tables.reduce((sum, table) => sum + (table?.size ?? 0), this.#env.length + (this.#triggers?.length ?? 0));
  }

  /** Sets a variable in place, or appends it: a later ENV of the same name keeps the first one's position. */
  setVariable(name: string, value: string): void {
    const at = this.#places.get(name) ?? this.#env.length;
    this.#places.set(name, at);
    this.#env[at] = `${name}=${value}`;
  }

  setLabel(name: string, value: string): void {
    this.#labels ??= new Map();
    this.#labels.set(name, value);
  }

  addPort(port: string): void {
    this.#ports ??= new Map();
    this.#ports.set(port, {});
  }

  addVolume(path: string): void {
    this.#volumes ??= new Map();
    this.#volumes.set(path, {});
  }

  addTrigger(text: string): void {
    this.#triggers ??= [];
    this.#triggers.push(text);
  }

  dropTriggers(): void {
    this.#triggers = undefined;
  }

  /** The fields as they are now; those that nothing was set in are left out. */
  fields(): Tables {
    return {
      ...((this.#hasEnv || this.#env.length > 0) && { Env: [...this.#env] }),
      ...(this.#labels && { Labels: Object.fromEntries(this.#labels) }),
      ...(this.#ports && { ExposedPorts: Object.fromEntries(this.#ports) }),
      ...(this.#volumes && { Volumes: Object.fromEntries(this.#volumes) }),
      ...(this.#triggers && { OnBuild: [...this.#triggers] }),
    };
  }
}

/** The first place of each name. */
function placesOf(env: readonly string[]): Map<string, number> {
  const places = new Map<string, number>();
  for (const [at, pair] of env.entries()) {
    const equals = pair.indexOf('=');
    if (equals >= 0 && !places.has(pair.slice(0, equals))) places.set(pair.slice(0, equals), at);
  }
  return places;
}
