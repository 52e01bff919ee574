import type { Route } from './route.ts';

/** One request that went through the proxy, and what became of it. */
export interface Exchange extends Route {
  /** Which builder sent it. */
  readonly lane: string;
  readonly method: string;
  /** 0 when no answer came. */
  readonly status: number;
  /** Bytes on the wire to the registry and back, heads included. */
  readonly up: number;
  readonly down: number;
  /** What was made of it on purpose. */
  readonly fault?: string;
}

/** What a number of requests come to. */
export interface Tally {
  readonly requests: number;
  readonly up: number;
  readonly down: number;
}

/** Adds exchanges up. */
export function tally(exchanges: readonly Exchange[]): Tally {
  const sum = (of: (exchange: Exchange) => number): number => exchanges.reduce((total, one) => total + of(one), 0);
  return { requests: exchanges.length, up: sum(({ up }) => up), down: sum(({ down }) => down) };
}

/** Whether the exchange changed the registry. */
export function isWrite({ method }: Exchange): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH' || method === 'DELETE';
}

/** Whether the exchange stored a blob by sending it. */
export function isUpload({ kind, method, status }: Exchange): boolean {
  return kind === 'upload' && method === 'PUT' && status === 201;
}

/** Whether the exchange took a blob over from another repository. */
export function isMount({ kind, method, status, from }: Exchange): boolean {
  return kind === 'upload' && method === 'POST' && from !== undefined && status === 201;
}

/** How many requests there were of each method and kind: `GET manifest`. */
export function byRoute(exchanges: readonly Exchange[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const { method, kind } of exchanges) {
    const name = `${method} ${kind}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
