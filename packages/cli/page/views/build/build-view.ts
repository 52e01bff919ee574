import { humanAge, humanSize, stepTime } from '../../../src/output/human.ts';
import type { BuildTimeline, PageSummary, TimelineStep } from '../../../src/explore/page-data.ts';
import type { Page, View } from '../../app/page.ts';
import { type Child, element } from '../../dom/element.ts';
import { nameElement, textElement } from '../../dom/shown-text.ts';
import { instructionElement } from '../layer-mark.ts';
import { counted, figure, section, table } from '../tables.ts';
import { type Schedule, schedule, type TimedStep } from './critical-path.ts';
import { gantt } from './gantt.ts';

/** The build that made the image: what took the time, and why it ran. */
export function buildView({ summary }: Page): View {
  const { build } = summary;
  const content = element('div', { class: 'view' }, ...(build === undefined ? [unknown()] : known(build, summary)));
  return { element: content, show: () => {} };
}

function unknown(): HTMLElement {
  return section(
    'No build is known',
    element(
      'p',
      {},
      'The store that made this page did not build this image, or it built it too long ago. After the next build of it the timeline is here.',
    ),
  );
}

function known(build: BuildTimeline, summary: PageSummary): readonly Child[] {
  const plan = schedule(build);
  return [
    figures(build, plan, summary),
    plan.steps.length > 0 && section('Timeline', advice(plan), gantt(plan), !plan.isMeasured && guessNote()),
    cachedSteps(build, summary),
    stepTable(build, plan),
    mountTable(build, summary),
  ];
}

function figures(
  { started, steps }: BuildTimeline,
  { wall, work, critical }: Schedule,
  { made }: PageSummary,
): HTMLElement {
  const own = steps.filter(({ kind }) => kind === 'step');
  const cached = own.filter(({ state }) => state === 'cached');
  const saved = cached.reduce((sum, step) => sum + (step.saved ?? 0), 0);
  const when = new Date(started).toISOString();
  return element(
    'dl',
    { class: 'figures' },
    figure(stepTime(wall), 'Wall time', humanAge(when, made).toLowerCase()),
    figure(stepTime(work), 'Steps together', wall > 0 && work > 0 ? `×${(work / wall).toFixed(1)} at once` : ''),
    figure(stepTime(critical), 'Critical path', wall > 0 ? `${Math.round((100 * critical) / wall)}% of wall time` : ''),
    figure(`${cached.length} of ${own.length}`, 'Cached', saved >= 50 ? `saved ${stepTime(saved)}` : ''),
  );
}

/** What to look at first. */
function advice({ steps, critical }: Schedule): Child {
  const [worst] = steps.filter(({ isCritical }) => isCritical).toSorted((a, b) => timeOf(b) - timeOf(a));
  if (worst === undefined || critical <= 0) return undefined;
  const { step } = worst;
  const part = Math.round((100 * timeOf(worst)) / critical);
  return element(
    'p',
    { class: 'advice' },
    element('b', {}, `Step ${step.number} is ${part}% of the critical path`),
    step.why === undefined ? '.' : ' and ran because: ',
    step.why !== undefined && textElement(step.why.replace(/^ran again: /, '')),
    step.why !== undefined && '.',
  );
}

function timeOf({ start, end }: Pick<TimedStep, 'start' | 'end'>): number {
  return end - start;
}

function guessNote(): HTMLElement {
  return element(
    'p',
    { class: 'muted' },
    'The record of this build has durations only: stages are drawn as if all had begun at once.',
  );
}

/** Cached steps take no time: a line that opens, so that they do not hide the four that matter. */
function cachedSteps({ steps }: BuildTimeline, { made }: PageSummary): Child {
  const cached = steps.filter(({ state }) => state === 'cached');
  if (cached.length === 0) return undefined;
  const saved = cached.reduce((sum, step) => sum + (step.saved ?? 0), 0);
  const items = cached.map(({ number, name, since, saved: each = 0 }) =>
    element(
      'li',
      {},
      `#${number} `,
      instructionElement({ instruction: name }),
      element(
        'span',
        { class: 'muted' },
        ` ${since === undefined ? '' : `from ${humanAge(new Date(since).toISOString(), made).toLowerCase()}`}${each >= 50 ? `, saved ${stepTime(each)}` : ''}`,
      ),
    ),
  );
  const title = `${counted(cached.length, 'cached step')}${saved >= 50 ? `, saved ${stepTime(saved)}` : ''}`;
  return element(
    'details',
    { class: 'card' },
    element('summary', {}, title),
    element('ul', { class: 'plain' }, ...items),
  );
}

const STATES: Readonly<Record<TimelineStep['state'], string>> = {
  waiting: '· not reached',
  cached: '✓ cached',
  run: '▶ ran',
  failed: '✗ failed',
  canceled: '✗ canceled',
};

function stepTable({ steps, phases }: BuildTimeline, plan: Schedule): HTMLElement {
  const { isMeasured } = plan;
  const times = new Map([...plan.steps, ...plan.phases].map((one) => [one.step, one]));
  const rows = [...steps, ...phases].map((step) => {
    const time = times.get(step);
    return [
      step.kind === 'step' ? String(step.number) : '–',
      STATES[step.state],
      ...(isMeasured ? [time === undefined ? '' : stepTime(time.start)] : []),
      time === undefined
        ? ''
        : element('span', { class: time.isCritical ? 'critical-time' : '' }, stepTime(timeOf(time))),
      step.layerSize === undefined ? '' : humanSize(step.layerSize),
      step.line === undefined ? '' : String(step.line),
      element(
        'span',
        {},
        element('span', { class: 'stage' }, textElement(step.stage)),
        ' ',
        instructionElement({ instruction: step.name }),
      ),
      reason(step),
    ];
  });
  const columns = [
    { title: '#', isNumber: true },
    { title: 'State' },
    ...(isMeasured ? [{ title: 'Start', isNumber: true }] : []),
    { title: 'Time', isNumber: true },
    { title: 'Layer', isNumber: true },
    { title: 'Line', isNumber: true },
    { title: 'Step', isWide: true },
    { title: 'Why it ran', isWide: true },
  ];
  return section('Steps', table('Steps of the build', columns, rows, { hideCaption: true }));
}

function reason({ why, changes }: TimelineStep): Child {
  if (why === undefined) return '';
  if (changes === undefined) return textElement(why);
  const more = changes.total - changes.items.length;
  const items = changes.items.map((change) => element('li', {}, textElement(change)));
  return element(
    'details',
    {},
    element('summary', {}, textElement(why)),
    element('ul', { class: 'plain' }, ...items, more > 0 && element('li', {}, `and ${more} more`)),
  );
}

function mountTable({ cacheMounts }: BuildTimeline, { made }: PageSummary): Child {
  if (cacheMounts.length === 0) return undefined;
  const rows = cacheMounts.map(({ name, size, lastUsed }) => [
    humanSize(size),
    humanAge(new Date(lastUsed).toISOString(), made).toLowerCase(),
    nameElement(name),
  ]);
  const columns = [{ title: 'Size', isNumber: true }, { title: 'Last used' }, { title: 'Cache', isWide: true }];
  return section('Cache mounts', table('Cache mounts of the build', columns, rows, { hideCaption: true }));
}
