import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { PROJECT } from './project.ts';
import { shapeOf } from './session.ts';

/** One way in which a target broke its promise. */
export interface Finding {
  readonly target: string;
  /** The first input that showed it. */
  readonly path: string;
  readonly error: string;
  count: number;
}

/** Where findings are kept. */
const FINDINGS = join(PROJECT, 'fuzz/findings');

/** All findings of a run; of inputs that fail in the same way the first is kept. */
export class Findings {
  readonly #bySignature = new Map<string, Finding>();

  add(target: string, input: Uint8Array, error: string, stack: string): void {
    const signature = `${target}|${shapeOf(error)}|${placeOf(stack)}`;
    const known = this.#bySignature.get(signature);
    if (known !== undefined) {
      known.count++;
      return;
    }
    const path = this.keep(FINDINGS, target, input);
    const shown = relative(PROJECT, path);
    writeFileSync(`${path.slice(0, -4)}.txt`, `${error}\n${stack}\n\nReplay it: npm run fuzz -- --replay ${shown}\n`);
    this.#bySignature.set(signature, { target, path: shown, error: error.slice(0, 300), count: 1 });
    process.stdout.write(`FINDING ${target}: ${error.slice(0, 300)}\n        ${shown}\n`);
  }

  /** Writes an input to `folder`; returns its path. */
  keep(folder: string, target: string, input: Uint8Array): string {
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `${target}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}.bin`);
    writeFileSync(path, input);
    return path;
  }

  of(target: string): readonly Finding[] {
    return [...this.#bySignature.values()].filter((finding) => finding.target === target);
  }

  get count(): number {
    return this.#bySignature.size;
  }
}

/** The function that threw, without its position: inputs that fail there fail alike. */
function placeOf(stack: string): string {
  return /\n\s+at (?:async )?([^(\n]+) \(/.exec(stack)?.[1] ?? '';
}
