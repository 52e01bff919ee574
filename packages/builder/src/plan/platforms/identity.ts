/** A value that is told by what it holds: all objects of these fields are the same to an {@link Identities}. */
type Fields = Readonly<Record<string, unknown>>;

/**
 * Texts that are equal when values are: plain data by what it holds, constants of the graph by their layers, and by who they
 * are the functions that open contexts and the steps of the graph. So two steps are the same when they do the same with the
 * same inputs.
 */
export class Identities {
  readonly #numbers = new WeakMap<WeakKey, number>();
  #count = 0;

  of(value: unknown): string {
    if (typeof value === 'function') return `#${this.#numberOf(value)}`;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
    if (Array.isArray(value)) return `[${value.map((item) => this.of(item)).join(',')}]`;
    const fields = value as Fields;
    if (fields['kind'] === 'step' && typeof fields['prepare'] === 'function') return `#${this.#numberOf(value)}`;
    // The name of an image is nothing of its files.
    if (fields['kind'] === 'constant') return `=${this.of(fields['value'])}`;
    const members = Object.entries(fields).map(([name, member]) => `${JSON.stringify(name)}:${this.of(member)}`);
    return `{${members.join(',')}}`;
  }

  #numberOf(value: WeakKey): number {
    let number = this.#numbers.get(value);
    if (number === undefined) {
      number = ++this.#count;
      this.#numbers.set(value, number);
    }
    return number;
  }
}
