import { describe, expect, it } from 'vitest';
import { BUILDER_TARGETS } from '../../../fuzz/builder-targets.ts';
import { Session } from '../../../fuzz/session.ts';

/** These are slower: folders, other programs or much work lie behind them. */
const FEWER = new Set(['plan', 'lint', 'words', 'durations-and-ports']);

describe('every parser, for a moment (npm run fuzz does it for longer)', () => {
  for (const target of BUILDER_TARGETS) {
    const why = target.missing?.();
    it.skipIf(why !== undefined)(
      `${target.name} returns or throws its own error${why === undefined ? '' : `: ${why}`}`,
      async () => {
        const session = await Session.open(target, 'short');
        try {
          const count = session.corpusSize + (FEWER.has(target.name) ? 40 : 200);
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
