import { isBlank } from './blanks.ts';

/** Collects the words of an expansion: blanks part them unless they are quoted or escaped. */
export class WordSplitter {
  readonly #words: string[] = [];
  #word = '';

  /** Text in which blanks part words. */
  add(text: string): void {
    for (const char of text) {
      if (!isBlank(char)) this.#word += char;
      else if (this.#word !== '') this.#end();
    }
  }

  /** Text in which blanks are text. */
  addQuoted(text: string): void {
    this.#word += text;
  }

  /** The words so far, the last one ended. */
  finish(): string[] {
    if (this.#word !== '') this.#end();
    return this.#words;
  }

  #end(): void {
    this.#words.push(this.#word);
    this.#word = '';
  }
}
