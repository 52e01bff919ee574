import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { BuildError } from '../diagnostics/build-error.ts';

/** Where a secret's value is, `--secret`. */
export type SecretSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'env'; readonly name: string };

/** No secret is larger, in bytes; BuildKit's limit. */
const MAX_SIZE = 500 * 1024;

/** Gives out the build's secrets, each read anew when a command asks for it: nothing of them is kept. */
export class Secrets {
  readonly #sources: ReadonlyMap<string, SecretSource>;
  readonly #environment: Readonly<Record<string, string | undefined>>;

  constructor(sources: ReadonlyMap<string, SecretSource>, environment: Readonly<Record<string, string | undefined>>) {
    this.#sources = sources;
    this.#environment = environment;
  }

  /**
   * The value; undefined when the build was given no such secret.
   * @throws BuildError `OPTION_INVALID` when its file cannot be read or is too large
   */
  get(id: string): Uint8Array | undefined {
    const source = this.#sources.get(id);
    if (source === undefined) return undefined;
    if (source.kind === 'env') return checked(id, Buffer.from(this.#variable(source.name)));
    try {
      return checked(id, readSecretFile(source.path));
    } catch (error) {
      if (error instanceof BuildError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new BuildError('OPTION_INVALID', `cannot read the secret ${id}: ${reason}`, { cause: error });
    }
  }

  #variable(name: string): string {
    return (Object.hasOwn(this.#environment, name) ? this.#environment[name] : undefined) ?? '';
  }
}

function readSecretFile(path: string): Buffer {
  const fd = openSync(path, 'r');
  try {
    // Before anything of it is read: a wrong path may name something endless.
    if (fstatSync(fd).size > MAX_SIZE) return Buffer.alloc(MAX_SIZE + 1);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

function checked(id: string, value: Buffer): Buffer {
  if (value.length <= MAX_SIZE) return value;
  throw new BuildError('OPTION_INVALID', `secret ${id} too big. max size 500KB`);
}
