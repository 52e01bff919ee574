import type { Instruction } from '../dockerfile/instruction.ts';
import { nearest } from '../dockerfile/suggest.ts';
import { expandHeredoc, expandWord } from '../dockerfile/words.ts';
import { parseRunMount } from '../plan/run-mount-flag.ts';
import type { StageScope } from './stage-scope.ts';

/** Build arguments that stages may use without declaring them. */
const NEVER_UNDEFINED: ReadonlySet<string> = new Set(['BUILDKIT_SBOM_SCAN_CONTEXT', 'BUILDKIT_SBOM_SCAN_STAGE']);

/** Expands words of one instruction, and tells once of each variable that is not defined there. */
export class InstructionWords {
  readonly #scope: StageScope;
  readonly #instruction: Instruction;
  readonly #told = new Set<string>();

  constructor(scope: StageScope, instruction: Instruction) {
    this.#scope = scope;
    this.#instruction = instruction;
  }

  /** The word expanded; undefined when that fails, which the build will tell of by itself. */
  readonly expand = (word: string): string | undefined => {
    try {
      return this.#expand(word);
    } catch {
      return undefined;
    }
  };

  /** The body of a COPY or ADD heredoc. */
  expandBody(body: string): void {
    const { variables, words } = this.#scope;
    try {
      expandHeredoc(body, variables.lookup, { limit: words.limit, onUndefined: (name) => this.#undefined(name) });
    } catch {
      // The build will tell.
    }
  }

  /** The values in a `RUN --mount`. */
  expandMount(text: string): void {
    try {
      parseRunMount(text, (word) => this.#expand(word));
    } catch {
      // The build will tell.
    }
  }

  #expand(word: string): string {
    const { variables, words } = this.#scope;
    return expandWord(word, variables.lookup, { ...words, onUndefined: (name) => this.#undefined(name) });
  }

  #undefined(name: string): void {
    const { declared, isKnown, report, variables, words } = this.#scope;
    if (!isKnown || declared.has(name) || NEVER_UNDEFINED.has(name) || this.#told.has(name)) return;
    this.#told.add(name);
    const near = words.limit.mayCompare(variables.size) ? nearest(name, variables.names()) : undefined;
    const suggestion = near === undefined ? '' : ` (did you mean $${near}?)`;
    report('UndefinedVar', this.#instruction, `Usage of undefined variable '$${name}'${suggestion}`);
  }
}
