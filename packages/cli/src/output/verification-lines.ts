import {
  BuildError,
  type DifferentAttribute,
  type DifferentFile,
  type DifferentStep,
  type Verification,
} from '@tsbuild/builder';
import { shownId } from './image-id.ts';
import { sanitizeName } from './sanitize.ts';

/** So many files of one step are shown; the json output has more. */
const MOST = 20;

/**
 * What `build --verify` found, for people: the steps that gave other files the second time, and of each the files. Files that
 * differ in nothing but their time are a number where the build had no `SOURCE_DATE_EPOCH`, as then nearly all do.
 */
export function verificationLines(verification: Verification, hasEpoch: boolean): readonly string[] {
  const { same, ids, steps, dockerfile } = verification;
  const [first, second] = ids.map((id) => shownId(id, false));
  const isDetail = same && steps.length > 0;
  const head = same
    ? `Built twice: the same image, ${first}.`
    : `Built twice: two images, ${first} and ${second}${steps.length === 0 ? ', only the times of the config differ' : ''}.`;
  return [
    head,
    ...(isDetail ? ['Not in the image, but different each time:'] : []),
    ...steps.flatMap((step) => stepLines(step, { all: steps, dockerfile, hasEpoch })),
  ];
}

interface StepSetting {
  readonly all: readonly DifferentStep[];
  readonly dockerfile: string;
  readonly hasEpoch: boolean;
}

function stepLines(step: DifferentStep, { all, dockerfile, hasEpoch }: StepSetting): readonly string[] {
  const { number, stage, name, follows, files, total, timesOnly, range } = step;
  const after = all.filter(({ id }) => follows.includes(id)).map((other) => `#${other.number}`);
  const follow = after.length === 0 ? '' : `, after ${after.join(', ')}`;
  const place = `${sanitizeName(dockerfile)}:${range.start.line}`;
  const title = `#${number} [${sanitizeName(stage)}] ${sanitizeName(name)}  (${place}${follow})`;
  if (total === 0)
    return [title, '     the same files, stored in a different order: this is a bug in tsbuild, please report it'];
  const listed = hasEpoch ? files : files.filter((file) => !isTimeOnly(file));
  const shown = listed.slice(0, MOST);
  const rest = (hasEpoch ? total : total - timesOnly) - shown.length;
  const untold = [
    ...(rest > 0 ? [`${rest} more`] : []),
    ...(hasEpoch || timesOnly === 0
      ? []
      : [timesOnly === 1 ? '1 path only by its time' : `${timesOnly} paths only by their times`]),
  ];
  return [
    title,
    ...shown.map((file) => `     ${fileText(file)}`),
    ...(untold.length === 0 ? [] : [`     ${shown.length > 0 ? 'and ' : ''}${untold.join(', and ')}`]),
  ];
}

function isTimeOnly({ change, attributes }: DifferentFile): boolean {
  return change === 'changed' && attributes.every(({ name }) => name === 'mtime');
}

function fileText({ path, change, attributes }: DifferentFile): string {
  const shown = sanitizeName(path);
  if (change !== 'changed') return `${shown}: only in the ${change === 'added' ? 'second' : 'first'} build`;
  // Of what has another content, the time says nothing more.
  const telling = attributes.some(({ name }) => name !== 'mtime')
    ? attributes.filter(({ name }) => name !== 'mtime')
    : attributes;
  return `${shown}: ${telling.map(attributeText).join(', ')}`;
}

function attributeText({ name, first, second }: DifferentAttribute): string {
  if (first === undefined || second === undefined || first === second) return name;
  return `${name} (${sanitizeName(first)}, then ${sanitizeName(second)})`;
}

/** The failure of a build whose image is not the same each time. */
export function notReproducible({ steps, onlyTimes }: Verification, hasEpoch: boolean): BuildError {
  const causes = steps.filter((step) => step.follows.length === 0 && (hasEpoch || step.total > step.timesOnly));
  const cause = causes.find(({ inImage }) => inImage) ?? causes[0] ?? steps[0];
  const file = cause?.files[0];
  if (onlyTimes && !hasEpoch) {
    return new BuildError('NOT_REPRODUCIBLE', 'the image is not the same each time: only its times differ', {
      hint: 'set SOURCE_DATE_EPOCH to fix all times, e.g. SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) tsbuild build --verify …',
    });
  }
  const what =
    cause === undefined
      ? ''
      : `: #${cause.number} ${cause.name} gives ${file === undefined ? 'a different layer' : `a different ${file.path}`}`;
  const times = hasEpoch ? '' : '; set SOURCE_DATE_EPOCH to fix the times';
  return new BuildError('NOT_REPRODUCIBLE', `the image is not the same each time${what}`, {
    hint: `check the files that the command writes for clocks, random numbers and names, host facts, and the order of files${times}`,
  });
}
