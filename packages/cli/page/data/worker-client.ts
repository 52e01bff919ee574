import type { Answered, RequestName, Requests } from './messages.ts';

/** The program of the worker, put in by the bundler. */
declare const tsbuildWorkerProgram: string;

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { readonly createScriptURL: (url: string) => string },
  ): { createScriptURL(url: string): string };
}

/** Asks the worker. */
export class WorkerClient {
  readonly #worker: Worker;
  readonly #waiting = new Map<
    number,
    { readonly done: (reply: never) => void; readonly failed: (error: Error) => void }
  >();
  #number = 0;

  constructor() {
    const url = URL.createObjectURL(new Blob([tsbuildWorkerProgram], { type: 'text/javascript' }));
    const types = (globalThis as { readonly trustedTypes?: TrustedTypes }).trustedTypes;
    // The one script that this page may start is its own.
    const policy = types?.createPolicy('tsbuild-worker', { createScriptURL: (text) => (text === url ? text : '') });
    this.#worker = new Worker(policy?.createScriptURL(url) ?? url);
    this.#worker.addEventListener('message', (event: MessageEvent<Answered>) => this.#answered(event.data));
    this.#worker.addEventListener('error', (event) => this.#broken(event.message));
  }

  ask<Name extends RequestName>(name: Name, ask: Requests[Name]['ask']): Promise<Requests[Name]['reply']> {
    const number = ++this.#number;
    return new Promise((done, failed) => {
      this.#waiting.set(number, { done, failed });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- it goes to the worker alone
      this.#worker.postMessage({ number, name, ask });
    });
  }

  #answered({ number, reply, fault }: Answered): void {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (fault === undefined) waiting?.done(reply as never);
    else waiting?.failed(new Error(fault));
  }

  #broken(message: string): void {
    for (const { failed } of this.#waiting.values()) failed(new Error(message));
    this.#waiting.clear();
  }
}
