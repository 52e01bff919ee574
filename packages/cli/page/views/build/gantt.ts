import { stepTime } from '../../../src/output/human.ts';
import { element, styled, svg } from '../../dom/element.ts';
import { visible } from '../../dom/shown-text.ts';
import type { Schedule, TimedStep } from './critical-path.ts';

/** As drawn; the picture is scaled to the page's width. */
const WIDTH = 1000;
const LANE = 34;
const BAR = 24;
const TOP = 24;
/** About as wide as a letter. */
const LETTER = 6.4;

const HUES = [212, 28, 152, 280, 48, 190, 336, 100];

/** The steps of a build as bars: a lane for each that ran at once, a colour for each stage, an outline on the critical path. */
export function gantt(plan: Schedule): HTMLElement {
  const { lanes, wall } = plan;
  const steps = [...plan.steps, ...plan.phases];
  const stages = [...new Set(steps.map(({ step }) => step.stage))];
  const scale = (WIDTH - 8) / Math.max(1, wall);
  const height = TOP + lanes * LANE + 4;
  const label = `Timeline: ${plan.steps.length} steps in ${stepTime(wall)}. The table below has the same in words.`;
  const picture = svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${height}`, role: 'img', 'aria-label': label, class: 'gantt' },
    hatchPattern(),
    ...ticks(wall, scale, height),
    ...steps.map((step) => barOf(step, { scale, hue: HUES[stages.indexOf(step.step.stage) % HUES.length] ?? 212 })),
  );
  const legend = stages.map((stage, i) =>
    styled(element('span', { class: 'mark' }, visible(stage)), { '--hue': String(HUES[i % HUES.length]) }),
  );
  return element(
    'div',
    {},
    element('div', { class: 'scroll gantt-place', tabindex: 0, role: 'region', 'aria-label': 'Timeline' }, picture),
    element(
      'p',
      { class: 'legend' },
      'stages ',
      ...legend,
      ' ',
      element('span', { class: 'mark critical' }, 'critical path'),
    ),
  );
}

function barOf(
  { step, start, end, queued, lane, isCritical }: TimedStep,
  { scale, hue }: { readonly scale: number; readonly hue: number },
): SVGElement {
  const x = 4 + start * scale;
  const width = Math.max(3, (end - start) * scale);
  const y = TOP + lane * LANE;
  const name = `${step.kind === 'step' ? `#${step.number} ` : ''}${visible(step.name)}`;
  const title = `${name}: ${stepTime(end - start)}${step.why === undefined ? '' : `, ${visible(step.why)}`}`;
  const room = Math.floor((width - 12) / LETTER);
  const text = name.replace(/^#/, '');
  const shown = room < 3 ? '' : text.length <= room ? text : `${text.slice(0, room - 1)}…`;
  const group = svg(
    'g',
    { class: `bar-of ${step.state}${isCritical ? ' critical' : ''}` },
    svg('title', {}, title),
    queued < start &&
      svg('rect', {
        x: 4 + queued * scale,
        y: y + 6,
        width: (start - queued) * scale,
        height: BAR - 12,
        class: 'waits',
      }),
    svg('rect', { x, y, width, height: BAR, rx: 3 }),
    shown !== '' && svg('text', { x: x + 6, y: y + BAR / 2 + 4 }, shown),
  );
  return styled(group, { '--hue': String(hue) });
}

function ticks(wall: number, scale: number, height: number): readonly SVGElement[] {
  const step =
    [100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000, 600_000].find((each) => wall / each <= 10) ??
    3_600_000;
  const marks: SVGElement[] = [];
  for (let at = 0; at <= wall; at += step) {
    const x = 4 + at * scale;
    const isLast = x > WIDTH - 30;
    marks.push(
      svg('line', { x1: x, x2: x, y1: 16, y2: height, class: 'tick' }),
      svg(
        'text',
        { x, y: 11, class: 'tick-text', 'text-anchor': at === 0 ? 'start' : isLast ? 'end' : 'middle' },
        at === 0 ? '0' : stepTime(at),
      ),
    );
  }
  return marks;
}

function hatchPattern(): SVGElement {
  const line = svg('path', { d: 'M0 6L6 0', class: 'hatch-line' });
  return svg('defs', {}, svg('pattern', { id: 'hatch', width: 6, height: 6, patternUnits: 'userSpaceOnUse' }, line));
}
