import { digestHex } from '@tsbuild/oci';
import { claimStep, layoutPaths } from '@tsbuild/oci/internal';
import type { BuildOptions } from './build-options.ts';
import type { ProgressReporter } from '../progress/reporter.ts';
import type { SolveOptions } from '../solver/solver.ts';
import type { Store } from '../store/store.ts';

/**
 * How builds of one store share what they execute at the same time: a step that another process is at is waited for, and its
 * record used. So a RUN is executed once, and builds that run side by side give one image, times and all.
 */
export function stepClaims(
  { onFailedRun }: Pick<BuildOptions, 'onFailedRun'>,
  store: Store,
  reporter: ProgressReporter,
): Pick<SolveOptions<unknown>, 'claim'> {
  // Whoever sits in the shell of a failed RUN keeps nobody else waiting.
  if (onFailedRun !== undefined) return {};
  return {
    claim: async ({ id, key }, signal) => {
      let since: number | undefined;
      const onWait = (pid: number | undefined): void => {
        since ??= Date.now();
        // The same copy for another platform of this very build is nobody's news.
        if (pid === process.pid) return;
        const who = pid === undefined ? 'another build' : `process ${pid}`;
        reporter.report({
          type: 'notice',
          level: 'info',
          message: `${id} waits for ${who}, which is running the same step`,
        });
      };
      const claim = await claimStep(layoutPaths(store.root), digestHex(key), { signal, onWait });
      if (since !== undefined)
        reporter.report({ type: 'step-waited', id, for: 'process', milliseconds: Date.now() - since });
      return claim;
    },
  };
}
