import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../test/support/process.ts';
import type { Mode } from './modes.ts';
import type { Prey, Probe } from './probe.ts';
import { scriptOf } from './probe.ts';

/** What became of a probe. */
export type Result = 'yes' | 'no' | 'not tried';

/** A Dockerfile that tries one probe after the other. What a probe prints or breaks is its own affair. */
function dockerfile(base: string, probes: readonly Probe[], prey: Prey, secret: string): string {
  const words = (text: string): string => scriptOf({ script: text }, prey).replaceAll('@SECRET@', secret);
  const steps = probes.flatMap((probe, i) => [
    ...(probe.before ?? []).map(words),
    `RUN ${probe.options ?? ''} ["/bin/sh", "/probe", "${i}"]`,
  ]);
  return `FROM ${base}\nCOPY --chmod=755 probe /probe\nCOPY probes /probes\n${steps.join('\n')}\n`;
}

// The secret is not in the scripts that print it only when they find it: grep gets it in two halves.
const RUNNER = `for p in $(cat /probes/$1.needs); do
  command -v "$p" >/dev/null 2>&1 || { echo "@$1 not tried"; exit 0; }
done
if ( . /probes/$1.sh ) </dev/null; then echo "@$1 yes"; else echo "@$1 no"; fi
exit 0
`;

/** Tries the probes in one build of this mode. @throws Error when the build itself fails */
export async function runProbes(
  mode: Mode,
  what: { readonly base: string; readonly probes: readonly Probe[]; readonly prey: Prey; readonly secret: string },
): Promise<{ readonly results: readonly Result[]; readonly log: string }> {
  if (what.probes.length === 0) return { results: [], log: '' };
  const context = join(mode.folder, `probes-${what.probes.length}`);
  mkdirSync(join(context, 'probes'), { recursive: true });
  for (const [i, probe] of what.probes.entries()) {
    const [one, two] = [what.secret.slice(0, 8), what.secret.slice(8)];
    const script = scriptOf(probe, what.prey).replaceAll('@SECRET@', `${one}[${two[0]}]${two.slice(1)}`);
    writeFileSync(join(context, `probes/${i}.sh`), `${script}\n`);
    writeFileSync(join(context, `probes/${i}.needs`), `${(probe.needs ?? []).join(' ')}\n`);
  }
  writeFileSync(join(context, 'probe'), RUNNER);
  writeFileSync(join(context, 'Dockerfile'), dockerfile(what.base, what.probes, what.prey, what.secret));
  chmodSync(context, 0o755);
  const [program, args] = mode.command(['build', '--no-cache', '--progress', 'plain', context]);
  const { exitCode, stderr } = await run(program, args, { env: mode.env, timeout: 1_200_000 });
  if (exitCode !== 0) throw new Error(`${mode.name}: the build failed\n${stderr.slice(-3000)}`);
  const results = what.probes.map((_, i): Result => {
    const found = new RegExp(`@${i} (yes|no|not tried)$`, 'm').exec(stderr)?.[1];
    if (found === 'yes' || found === 'no' || found === 'not tried') return found;
    throw new Error(`${mode.name}: probe ${i} said nothing\n${stderr.slice(-3000)}`);
  });
  return { results, log: stderr };
}
