import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OciError } from '@tsbuild/oci';
import { BuildError } from '../../packages/builder/src/diagnostics/build-error.ts';
import { findTool } from '../../packages/builder/src/executor/host-tools.ts';
import { BuildBench } from '../../packages/builder/testing/build-bench.ts';
import { NO_SANDBOX } from '../../packages/builder/testing/busybox-root.ts';
import { Canary } from './canary.ts';
import type { HostileCase, Site } from './case.ts';

/** What became of one case. */
export interface Verdict {
  readonly attack: HostileCase;
  readonly outcome: 'contained' | 'refused' | 'skipped';
  /** Of a refusal: what it said. */
  readonly reason?: string;
  /** What was wrong; none for a case that passed. */
  readonly problems: readonly string[];
}

/** Seconds after which a case counts as hanging; generous, because machines are busy. */
const PATIENCE = 120;

/** One store, one canary, many cases. */
export class Arena implements AsyncDisposable {
  readonly bench: BuildBench;
  readonly canary: Canary;
  readonly #scanned = new Set<string>();
  #count = 0;

  private constructor(bench: BuildBench, canary: Canary) {
    this.bench = bench;
    this.canary = canary;
  }

  static async make(parent: string): Promise<Arena> {
    const bench = await BuildBench.make(parent);
    return new Arena(bench, new Canary(join(bench.directory, 'canary')));
  }

  async try(attack: HostileCase): Promise<Verdict> {
    if (!canTry(attack)) return { attack, outcome: 'skipped', problems: [] };
    const before = this.canary.state();
    const ended = await this.#attempt(attack);
    const problems = [...ended.problems];
    if (this.canary.state() !== before) problems.push('the canary was touched');
    problems.push(...this.#leaks(), ...this.#leftovers());
    if (problems.length === 0 && (ended.reason === undefined) !== (attack.refused === undefined)) {
      problems.push(ended.reason === undefined ? 'it was taken' : `it was refused: ${ended.reason}`);
    }
    if (ended.reason !== undefined && attack.refused?.test(ended.reason) === false) {
      problems.push(`refused for another reason: ${ended.reason}`);
    }
    const outcome = ended.reason === undefined ? 'contained' : 'refused';
    return { attack, outcome, ...(ended.reason === undefined ? {} : { reason: ended.reason }), problems };
  }

  async #attempt(attack: HostileCase): Promise<{ readonly reason?: string; readonly problems: readonly string[] }> {
    const word = `evil${this.#count++}`;
    const folder = join(this.bench.directory, word);
    mkdirSync(folder);
    const site: Site = { bench: this.bench, canary: this.canary, folder, word, sandbox: NO_SANDBOX === '' };
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`it hangs: ${PATIENCE} s`)), PATIENCE * 1000);
    });
    try {
      await Promise.race([attack.attempt(site), patience]);
      return { problems: [] };
    } catch (error) {
      if (error instanceof OciError || error instanceof BuildError) return { reason: error.message, problems: [] };
      return { problems: [error instanceof Error ? `${error.name}: ${error.message}` : String(error)] };
    } finally {
      clearTimeout(timer);
    }
  }

  /** The canary's secret in a blob that came since the last look. */
  #leaks(): readonly string[] {
    const blobs = join(this.bench.store.root, 'blobs/sha256');
    const leaks: string[] = [];
    for (const name of readdirSync(blobs)) {
      if (this.#scanned.has(name)) continue;
      this.#scanned.add(name);
      if (readFileSync(join(blobs, name)).includes(this.canary.secret)) leaks.push(`the secret is in blob ${name}`);
    }
    return leaks;
  }

  #leftovers(): readonly string[] {
    return ['tmp', 'leases'].flatMap((folder) => {
      const path = join(this.bench.store.root, folder);
      return readNames(path).map((name) => `left behind: ${folder}/${name}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bench[Symbol.asyncDispose]();
  }
}

/** Whether this machine has what a case needs. */
export function canTry({ runs, needs = [] }: HostileCase): boolean {
  if (runs === true && NO_SANDBOX !== '') return false;
  return needs.every((need) => (need === 'root' ? process.getuid?.() === 0 : findTool(need) !== undefined));
}

function readNames(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return []; // Not made yet.
  }
}
