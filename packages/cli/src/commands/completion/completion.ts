import { defineCommand } from '../../grammar/command.ts';
import { completionScripts } from './scripts.ts';
import { UsageError } from '../../host/usage-error.ts';
import { EXIT_OK } from '../../host/exit-code.ts';

/** `tsbuild completion`: what a shell needs to complete command lines. */
export const completionCommand = defineCommand({
  name: 'completion',
  synopsis: 'bash | zsh | fish',
  summary: 'Print a script that completes commands, options, image names and stages in a shell',
  options: {},
  operands: { min: 1, max: 1, what: 'the name of a shell: bash, zsh or fish' },
  examples: [
    ['source <(tsbuild completion bash)', 'In ~/.bashrc'],
    ['tsbuild completion zsh >"${fpath[1]}/_tsbuild"', 'Once, for zsh'],
    ['tsbuild completion fish >~/.config/fish/completions/tsbuild.fish', 'Once, for fish'],
  ],
  async run({ operands: [shell = ''] }, host) {
    const script = Object.hasOwn(completionScripts, shell) ? completionScripts[shell] : undefined;
    if (script === undefined) {
      throw new UsageError(`no completion for ${JSON.stringify(shell)}`, {
        hint: `expected one of ${Object.keys(completionScripts).join(', ')}`,
        command: 'completion',
      });
    }
    host.stdout.write(script);
    return EXIT_OK;
  },
});
