import { type BuildRecord, describeChange, type RecordedStep, Store } from '@tsbuild/builder';
import { imageIdOf, type StoredImage } from '@tsbuild/oci/node';
import { defineCommand } from '../../grammar/command.ts';
import { CommandError, UsageError } from '../../host/usage-error.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { cachedText, missText } from '../../output/cache-text.ts';
import { humanAge, humanSize, stepTime } from '../../output/human.ts';
import { stepTitle } from '../../output/plain.ts';
import { sanitizeName, sanitizeText } from '../../output/sanitize.ts';

/** `tsbuild cache explain`: of the last build, which steps ran and what exactly had changed. */
export const cacheExplainCommand = defineCommand({
  name: 'cache explain',
  synopsis: 'IMAGE | last',
  summary: 'Tell why the steps of the last build of an image ran again, or since when they are cached',
  options: {
    step: { kind: 'value', placeholder: 'N', describe: 'Only this step, by its number in the progress output (#N)' },
    format: { kind: 'value', placeholder: 'FORMAT', describe: 'Output format', choices: ['text', 'json'] },
  },
  operands: { min: 1, max: 1, what: 'one IMAGE, or last for the last build, also one that failed' },
  examples: [
    ['tsbuild cache explain last', 'The last build, step by step'],
    ['tsbuild cache explain my-app --step 3', 'Everything that step 3 found changed'],
    ['tsbuild cache explain --format json my-app', 'The same for programs'],
  ],
  async run({ options, operands: [name = ''], settings }, host) {
    const store = await Store.open(settings.root);
    const record = name === 'last' ? store.builds.get(name) : recordOf(await store.layout.resolve(name), store);
    if (record === undefined) {
      throw new CommandError(name === 'last' ? 'there is no build yet' : `no build of ${name} is recorded`, {
        hint: 'loaded or pulled images and old builds cannot be explained',
      });
    }
    const steps = chosenSteps(record, options.step);
    if (options.format === 'json')
      host.stdout.write(`${JSON.stringify({ ...record, origins: undefined, steps }, undefined, 2)}\n`);
    else host.stdout.write(explanation(record, steps, { whole: options.step === undefined, now: host.now() }));
    return EXIT_OK;
  },
});

/** An image may be part of several indexes: the build of this one counts. */
function recordOf(image: StoredImage, { builds }: Store): BuildRecord | undefined {
  return builds.get(imageIdOf(image)) ?? builds.get(image.id);
}

function chosenSteps({ steps }: BuildRecord, wanted: string | undefined): readonly RecordedStep[] {
  if (wanted === undefined) return steps;
  const chosen = steps.filter(({ number }) => String(number) === wanted.replace(/^#/, ''));
  if (chosen.length > 0) return chosen;
  throw new UsageError(`--step ${wanted}: no such step`, {
    hint: steps.length === 0 ? 'that build had no steps' : `the build has the steps 1 to ${steps.length}`,
    command: 'cache explain',
  });
}

/** Of a step with more changes the first so many are told, unless it is asked for. */
const FEW = 10;

function explanation(
  record: BuildRecord,
  steps: readonly RecordedStep[],
  { whole, now }: { readonly whole: boolean; readonly now: number },
): string {
  const numbers = new Map(record.steps.map(({ id, number }) => [id, number]));
  const lines = whole ? [headLine(record, now), ''] : [];
  for (const step of steps) {
    lines.push(`#${step.number} ${stepTitle(step)}`, `   ${stateText(step, now)}`);
    const { reason } = step;
    if (reason === undefined || reason.changes.length === 0) continue;
    const shown = whole ? reason.changes.slice(0, FEW) : reason.changes;
    if (reason.comparedWith !== undefined) {
      lines.push(`   compared with the run of ${ago(reason.comparedWith, now)}:`);
    }
    for (const change of shown) lines.push(`   - ${shownText(describeChange(change, (id) => numbers.get(id)))}`);
    const more = reason.total - shown.length;
    if (more > 0) lines.push(`   - and ${more} more${whole ? ` (--step ${step.number})` : ''}`);
  }
  return `${lines.join('\n')}\n`;
}

function headLine({ image, started, dockerfile, steps }: BuildRecord, now: number): string {
  const cached = steps.filter(({ state }) => state === 'cached').length;
  const saved = steps.reduce((sum, step) => sum + (step.saved ?? 0), 0);
  const counts = `${cached} of ${steps.length} steps cached${saved >= 50 ? `, saved ${stepTime(saved)}` : ''}`;
  const platforms = image?.platforms?.map(({ platform }) => platform).join(', ');
  const what =
    image === undefined
      ? 'failed'
      : `${sanitizeName(image.names[0] ?? image.id.slice('sha256:'.length, 'sha256:'.length + 12))} (${humanSize(image.size)})${platforms === undefined ? '' : ` for ${sanitizeName(platforms)}`} in ${stepTime(image.milliseconds)}`;
  return `${sanitizeName(dockerfile)}, ${ago(started, now)}: ${what}; ${counts}`;
}

/** An age in the middle of a sentence. */
function ago(time: number, now: number): string {
  return humanAge(new Date(time).toISOString(), now).toLowerCase();
}

function stateText(step: RecordedStep, now: number): string {
  const { state, reason, milliseconds = 0, since, saved = 0 } = step;
  const why = reason === undefined ? undefined : (missText(reason) ?? reason.summary);
  if (state === 'cached') return `CACHED  ${cachedText({ since: since ?? now, saved }, now)}`;
  if (state === 'run') return `${why ?? 'ran'} (took ${stepTime(milliseconds)})`;
  if (state === 'failed') return why === undefined ? 'failed' : `failed; ${why}`;
  return 'was not reached';
}

/** Values may have several lines: the later ones are indented. */
function shownText(text: string): string {
  return sanitizeText(text).replaceAll('\n', '\n       ');
}
