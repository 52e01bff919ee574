import { UsageError } from '../host/usage-error.ts';

/** Docker's: ctrl-p ctrl-q. */
const USUAL = 'ctrl-p,ctrl-q';

/** Finds the keys that leave a container to itself in what is typed; they are not passed on. */
export class DetachKeys {
  readonly #keys: Buffer;
  /** How many of them were typed last. */
  #typed = 0;

  /** @param text keys with commas between, `a` or `ctrl-a`; empty for none. @throws UsageError */
  constructor(text: string = USUAL) {
    this.#keys = Buffer.from(text === '' ? [] : text.split(',').map(keyCode));
  }

  /** What is to be passed on of `bytes`, and whether the keys were all there. */
  filter(bytes: Uint8Array): { readonly pass: Uint8Array; readonly detached: boolean } {
    const pass: number[] = [];
    for (const byte of bytes) {
      if (byte === this.#keys[this.#typed]) {
        this.#typed++;
        if (this.#typed === this.#keys.length) return { pass: Buffer.from(pass), detached: true };
        continue;
      }
      // It was not the beginning of the keys after all.
      pass.push(...this.#keys.subarray(0, this.#typed));
      this.#typed = this.#keys.length > 0 && byte === this.#keys[0] ? 1 : 0;
      if (this.#typed === 0) pass.push(byte);
    }
    return { pass: Buffer.from(pass), detached: false };
  }
}

function keyCode(key: string): number {
  const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
  if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f;
  if (key.length === 1) return key.charCodeAt(0);
  throw new UsageError(`invalid detach keys: ${JSON.stringify(key)}`, { hint: 'write e.g. ctrl-p,ctrl-q' });
}
