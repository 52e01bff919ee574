import type { PageSummary } from '../../src/explore/page-data.ts';
import type { WorkerClient } from '../data/worker-client.ts';
import type { Place } from './fragment.ts';

/** What every view knows. */
export interface Page {
  readonly summary: PageSummary;
  readonly worker: WorkerClient;
  /** Settles when the worker knows the files. */
  readonly ready: Promise<unknown>;
  /** Goes to another place; `quietly` without a step in the browser's history. */
  go(view: string, values?: Place['values'], quietly?: boolean): void;
  /** Says something to those who listen to the page. */
  say(text: string): void;
}

/** One of the page's views. */
export interface View {
  readonly element: HTMLElement;
  /** Shows what the fragment says. */
  show(values: Place['values']): void;
  /** What `/` leads to. */
  readonly search?: HTMLInputElement;
}

/** A view before it is opened for the first time. */
export interface ViewEntry {
  readonly name: string;
  readonly title: string;
  readonly make: (page: Page) => View;
}
