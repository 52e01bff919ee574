import { BuildError, removeVolume } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { inUserNamespace } from '../../container/program.ts';
import { EXIT_FAILED, EXIT_OK } from '../../host/exit-code.ts';
import { sanitizeText } from '../../output/sanitize.ts';
import { reportError } from '../../output/report-error.ts';

/** `tsbuild volume rm`: takes volumes away with all that is in them. */
export const volumeRmCommand = defineCommand({
  name: 'volume rm',
  synopsis: 'VOLUME [VOLUME…]',
  summary: 'Remove volumes that no container uses',
  options: { force: { kind: 'flag', short: 'f', describe: 'Ignore missing ones' } },
  operands: { min: 1, max: Number.POSITIVE_INFINITY, what: 'one VOLUME or more' },
  examples: [['tsbuild volume rm data', 'Remove it with all that is in it']],
  async run({ options, operands, settings }, host) {
    const inside = await inUserNamespace(host);
    if (inside !== undefined) return inside;
    let code = EXIT_OK;
    for (const name of operands) {
      try {
        await removeVolume(name, settings.root, host.signal);
      } catch (error) {
        const missing = error instanceof BuildError && error.code === 'VOLUME_NOT_FOUND';
        if (!missing || !options.force) {
          code = Math.max(code, await reportError(error, host, settings), EXIT_FAILED);
          continue;
        }
      }
      host.stdout.write(`${sanitizeText(name)}\n`);
    }
    return code;
  },
});
