import { describe, expect, it } from 'vitest';
import { sha256Digest } from '@tsbuild/oci';
import { MemoryCacheStore } from '../../src/cache/memory-cache-store.ts';
import type { ProgressEvent } from '../../src/progress/event.ts';
import { solve, type Solution, type SolveOptions } from '../../src/solver/solver.ts';
import type { StepVertex, Vertex } from '../../src/solver/vertex.ts';

/** Integers flow; a step adds `amount` to the sum of its inputs. */
type IntVertex = Vertex<number, number>;

class Bench {
  readonly cache = new MemoryCacheStore<number>();
  readonly executed: string[] = [];
  readonly discarded: string[] = [];
  events: ProgressEvent[] = [];
  running = 0;
  mostAtOnce = 0;
  #clock = 0;

  constant(value: number): IntVertex {
    return { kind: 'constant', value };
  }

  add(
    id: string,
    amount: number,
    inputs: readonly IntVertex[],
    options: { ignoreCache?: boolean; work?: (signal: AbortSignal) => Promise<void>; result?: number } = {},
  ): StepVertex<number, number> {
    return {
      kind: 'step',
      id,
      inputs,
      ignoreCache: options.ignoreCache ?? false,
      prepare: async (values) => ({
        preimage: {
          operation: 'add',
          definition: { amount },
          inputs: values.map((value, index) => ({ name: `${index}`, id: sha256Digest(String(value)) })),
        },
        execute: async ({ signal }) => {
          this.executed.push(id);
          this.mostAtOnce = Math.max(this.mostAtOnce, ++this.running);
          try {
            await options.work?.(signal);
          } finally {
            this.running--;
          }
          return options.result ?? amount;
        },
        discard: async () => {
          this.discarded.push(id);
        },
      }),
      complete: (values, output) => values.reduce((sum, value) => sum + value, output),
    };
  }

  solve(
    wanted: readonly IntVertex[],
    signal = new AbortController().signal,
    jobs = 4,
    more: Pick<SolveOptions<number>, 'claim'> = {},
  ): Promise<Solution<number, number>> {
    this.executed.length = 0;
    this.events = [];
    return solve(wanted, {
      cache: this.cache,
      reporter: { report: (event) => this.events.push(event) },
      signal,
      jobs,
      now: () => ++this.#clock,
      sizeOf: (output) => output,
      ...more,
    });
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('solve', () => {
  it('computes a graph, each vertex once', async () => {
    const bench = new Bench();
    const shared = bench.add('shared', 1, [bench.constant(10)]);
    const left = bench.add('left', 2, [shared]);
    const right = bench.add('right', 3, [shared]);
    const top = bench.add('top', 4, [left, right]);
    const { values } = await bench.solve([top, shared]);
    expect(values).toEqual([4 + (2 + 11) + (3 + 11), 11]);
    expect(bench.executed.toSorted()).toEqual(['left', 'right', 'shared', 'top']);
  });

  it('executes nothing the second time, and keeps the first times', async () => {
    const bench = new Bench();
    const graph = (): IntVertex => bench.add('b', 2, [bench.add('a', 1, [bench.constant(0)])]);
    const first = await bench.solve([graph()]);
    const second = await bench.solve([graph()]);
    expect(bench.executed).toEqual([]);
    expect(bench.discarded).toEqual(['a', 'b']);
    expect(second.values).toEqual(first.values);
    expect(second.results.get('b')).toEqual({ ...first.results.get('b'), cached: true, saved: 1 });
    expect(bench.events.filter(({ type }) => type === 'step-cached')).toHaveLength(2);
  });

  it('looks again when it has the claim of a step, and executes what is not there', async () => {
    const bench = new Bench();
    const other = new Bench();
    await other.solve([other.add('theirs', 1, [other.constant(0)])]);
    const held: string[] = [];
    const claim: NonNullable<SolveOptions<number>['claim']> = async ({ id, key }) => {
      held.push(`+${id}`);
      // Meanwhile another process has executed it.
      const record = await other.cache.get(key);
      if (record !== undefined) await bench.cache.put(record);
      return { [Symbol.asyncDispose]: async () => void held.push(`-${id}`) };
    };
    const theirs = bench.add('theirs', 1, [bench.constant(0)]);
    const solution = await bench.solve([bench.add('ours', 2, [theirs])], undefined, 4, { claim });
    expect(bench.executed).toEqual(['ours']);
    expect(bench.discarded).toEqual(['theirs']);
    expect(held).toEqual(['+theirs', '-theirs', '+ours', '-ours']);
    expect(solution.results.get('theirs')).toMatchObject({ cached: true, output: 1 });
    // What is in the cache, or must not come from there, needs no claim.
    await bench.solve([bench.add('theirs', 1, [bench.constant(0)])], undefined, 4, { claim });
    await bench.solve([bench.add('theirs', 1, [bench.constant(0)], { ignoreCache: true })], undefined, 4, { claim });
    expect(held).toHaveLength(4);
  });

  it('prepares a step afresh that knew its key from elsewhere, when there is no record, and believes the new key', async () => {
    const bench = new Bench();
    const whole = bench.add('a', 5, [bench.constant(1)]);
    const guessed = (definition: number): IntVertex => ({
      ...whole,
      prepare: async (values, context) => ({
        preimage: { ...(await whole.prepare(values, context)).preimage, definition: { amount: definition } },
        afresh: () => whole.prepare(values, context),
        execute: () => Promise.reject(new Error('not prepared')),
        discard: async () => undefined,
      }),
    });
    const first = await bench.solve([guessed(5)]);
    expect([first.values, bench.executed]).toEqual([[6], ['a']]);
    const second = await bench.solve([guessed(5)]);
    expect([second.values, bench.executed]).toEqual([[6], []]);
    expect(bench.discarded).toEqual([]);
    // The key that was remembered is wrong: the one that is found afresh has a record.
    const third = await bench.solve([guessed(7)]);
    expect([third.values, bench.executed, bench.discarded]).toEqual([[6], [], ['a']]);
  });

  it('lets a step go whose claim is given up', async () => {
    const bench = new Bench();
    const claim = async (): Promise<never> => Promise.reject(new Error('enough'));
    await expect(bench.solve([bench.add('a', 1, [])], undefined, 4, { claim })).rejects.toThrow('enough');
    expect([bench.executed, bench.discarded]).toEqual([[], ['a']]);
  });

  it('leaves dependents cached when a rebuilt input has the same content', async () => {
    const bench = new Bench();
    const graph = (amount: number): IntVertex =>
      bench.add('b', 2, [bench.add('a', amount, [bench.constant(0)], { result: 7 })]);
    await bench.solve([graph(1)]);
    await bench.solve([graph(5)]);
    expect(bench.executed).toEqual(['a']);
  });

  it('executes a changed step and what depends on it', async () => {
    const bench = new Bench();
    const graph = (amount: number): IntVertex =>
      bench.add('c', 3, [bench.add('b', amount, [bench.add('a', 1, [bench.constant(0)])])]);
    await bench.solve([graph(2)]);
    await bench.solve([graph(5)]);
    expect(bench.executed).toEqual(['b', 'c']);
  });

  it('looks later steps up although an earlier one missed', async () => {
    const bench = new Bench();
    const constant = bench.constant(0);
    await bench.solve([bench.add('b', 2, [constant])]);
    await bench.solve([bench.add('a', 1, [constant]), bench.add('b', 2, [constant])]);
    expect(bench.executed).toEqual(['a']);
  });

  it('ignores the cache where told, yet remembers the result', async () => {
    const bench = new Bench();
    const graph = (ignoreCache: boolean): IntVertex => bench.add('a', 1, [bench.constant(0)], { ignoreCache });
    await bench.solve([graph(false)]);
    await bench.solve([graph(true)]);
    expect(bench.executed).toEqual(['a']);
    await bench.solve([graph(false)]);
    expect(bench.executed).toEqual([]);
  });

  it('runs independent steps side by side, within the limit', async () => {
    const bench = new Bench();
    const work = (): Promise<void> => sleep(20);
    const leaves = Array.from({ length: 6 }, (_, i) => bench.add(`leaf${i}`, i, [bench.constant(i * 100)], { work }));
    await bench.solve([bench.add('top', 1, leaves)], undefined, 3);
    expect(bench.mostAtOnce).toBe(3);
  });

  it('tells of each step that waited for others, and of no other', async () => {
    const bench = new Bench();
    const work = (): Promise<void> => sleep(5);
    const leaves = Array.from({ length: 4 }, (_, i) => bench.add(`leaf${i}`, i, [bench.constant(i * 100)], { work }));
    await bench.solve([bench.add('top', 1, leaves)], undefined, 3);
    const waited = bench.events.filter((event) => event.type === 'step-waited');
    expect(waited).toEqual([expect.objectContaining({ id: 'leaf3', for: 'slot' })]);
    expect(waited[0]?.milliseconds).toBeGreaterThan(0);
  });

  it('stops the others when one fails, and reports that one', async () => {
    const bench = new Bench();
    let aborted = false;
    const slow = bench.add('slow', 1, [bench.constant(1)], {
      work: (signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted = true;
            reject(signal.reason);
          });
        }),
    });
    const failing = bench.add('failing', 1, [bench.constant(2)], {
      work: async () => {
        await sleep(5);
        throw new Error('it broke');
      },
    });
    const never = bench.add('never', 1, [failing]);
    await expect(bench.solve([bench.add('top', 1, [slow, never])])).rejects.toThrow('it broke');
    expect(aborted).toBe(true);
    expect(bench.running).toBe(0);
    expect(bench.executed.toSorted()).toEqual(['failing', 'slow']);
    expect(bench.events.find(({ type }) => type === 'step-failed')).toMatchObject({
      id: 'failing',
      message: 'it broke',
    });
  });

  it('remembers nothing of a failed step', async () => {
    const bench = new Bench();
    let fail = true;
    const work = async (): Promise<void> => {
      if (fail) throw new Error('not yet');
    };
    const graph = (): IntVertex => bench.add('a', 1, [bench.constant(0)], { work });
    await expect(bench.solve([graph()])).rejects.toThrow('not yet');
    fail = false;
    await bench.solve([graph()]);
    expect(bench.executed).toEqual(['a']);
  });

  it('rejects with the reason of an abort from outside', async () => {
    const bench = new Bench();
    const abort = new AbortController();
    const work = (signal: AbortSignal): Promise<void> =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const solving = bench.solve([bench.add('a', 1, [bench.constant(0)], { work })], abort.signal);
    await sleep(5);
    abort.abort(new Error('interrupted'));
    await expect(solving).rejects.toThrow('interrupted');
    expect(bench.running).toBe(0);
  });

  it('gives the right sum for random graphs, cold and cached', async () => {
    let seed = 42;
    const random = (limit: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % limit;
    };
    for (let round = 0; round < 20; round++) {
      const bench = new Bench();
      const vertices: IntVertex[] = [bench.constant(random(100))];
      const expected = [(vertices[0] as { value: number }).value];
      for (let i = 1; i < 15; i++) {
        const picks = Array.from({ length: 1 + random(3) }, () => random(i));
        const amount = random(1000);
        vertices.push(
          bench.add(
            `v${i}`,
            amount,
            picks.map((pick) => vertices[pick] ?? bench.constant(0)),
          ),
        );
        expected.push(picks.reduce((sum, pick) => sum + (expected[pick] ?? 0), amount));
      }
      expect((await bench.solve(vertices)).values).toEqual(expected);
      expect((await bench.solve(vertices)).values).toEqual(expected);
      expect(bench.executed).toEqual([]);
    }
  });
});
