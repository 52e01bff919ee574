import { describe, expect, it } from 'vitest';
import { Session } from './session.ts';
import type { Target } from './target.ts';

/**
 * Fuzzing's short form, as tests: every seed of each target and some inputs made from them. Targets of `slower`, behind
 * which folders, other programs or much work lie, get fewer.
 */
export function fuzzShortly(targets: readonly Target[], slower: ReadonlySet<string>): void {
  describe('every parser, for a moment (npm run fuzz does it for longer)', () => {
    for (const target of targets) {
      const why = target.missing?.();
      it.skipIf(why !== undefined)(
        `${target.name} returns or throws its own error${why === undefined ? '' : `: ${why}`}`,
        async () => {
          const session = await Session.open(target, 'short');
          try {
            const count = session.corpusSize + (slower.has(target.name) ? 40 : 200);
            for (let i = 0; i < count; i++) {
              const input = session.next();
              const { kind, error } = await session.run(input);
              expect(
                kind,
                `input ${i}: ${String(error)} ${Buffer.from(input).toString('base64').slice(0, 4000)}`,
              ).not.toBe('broken');
            }
          } finally {
            await session.close();
          }
        },
      );
    }
  });
}
