/** Names and values of `KEY=value`; what has no name is none. */
export function* pairsOf(env: readonly string[]): Generator<readonly [string, string], void, undefined> {
  for (const pair of env) {
    const at = pair.indexOf('=');
    if (at > 0) yield [pair.slice(0, at), pair.slice(at + 1)];
  }
}

/**
 * The variables of one stage, as RUN sees them and as later words are expanded: ENV and ARG write to the same table, so
 * the order of lines decides, as it does in BuildKit (whatever the reference says about ENV always winning).
 */
export class StageVariables {
  readonly #values = new Map<string, string>();
  /** Names whose value comes from an ARG, not from an ENV after it. */
  readonly #fromArguments = new Set<string>();
  readonly #arguments: { readonly name: string; readonly value: string | undefined }[] = [];

  constructor(
    env: Iterable<readonly [string, string]>,
    inheritedArguments: readonly { name: string; value: string | undefined }[] = [],
  ) {
    for (const [name, value] of env) this.#values.set(name, value);
    for (const argument of inheritedArguments) this.declareArgument(argument.name, argument.value);
  }

  readonly lookup = (name: string): string | undefined => this.#values.get(name);

  set(name: string, value: string): void {
    this.#fromArguments.delete(name);
    this.#values.set(name, value);
  }

  declareArgument(name: string, value: string | undefined): void {
    this.#arguments.push({ name, value });
    if (value === undefined) return;
    this.#fromArguments.add(name);
    this.#values.set(name, value);
  }

  /** The variables that commands see with an ARG's value. */
  argumentNames(): readonly string[] {
    return [...this.#fromArguments];
  }

  /** Every ARG so far, in order, with repetitions. */
  get arguments(): readonly { readonly name: string; readonly value: string | undefined }[] {
    return this.#arguments;
  }

  /** How many have a value. */
  get size(): number {
    return this.#values.size;
  }

  /** Names and values in the order in which the names first appeared. */
  entries(): Iterable<readonly [string, string]> {
    return this.#values;
  }

  names(): Iterable<string> {
    return this.#values.keys();
  }

  /** `KEY=value` in the order in which the keys first appeared. */
  environment(): readonly string[] {
    return [...this.#values].map(([name, value]) => `${name}=${value}`);
  }

  /** The arguments as the history shows them before a RUN: `A=1 B=x`, each name once, current values. */
  argumentsForHistory(): readonly string[] {
    const shown = new Map<string, string>();
    for (const { name, value } of this.#arguments) shown.set(name, this.#values.get(name) ?? value ?? '');
    return [...shown].map(([name, value]) => `${name}=${value}`);
  }
}
