import type { MissChange } from '../progress/miss-reason.ts';

/** Values longer than this are cut: a summary is one line. */
const LONGEST = 60;

/** The number of a step as progress shows it (`#5`), by its id; undefined for one that is not of this build. */
export type StepNumbers = (id: string) => number | undefined;

/** All changes in one line: the first, and how many more. What merely follows (steps above) is counted only when alone. */
export function summarize(changes: readonly MissChange[], total: number, numbers: StepNumbers): string {
  const [first] = changes;
  if (first === undefined) return 'part of it changed';
  const sentence = describeChange(first, numbers, { short: true });
  const consequences = first.kind === 'step' ? 0 : changes.filter(({ kind }) => kind === 'step').length;
  const more = total - 1 - consequences;
  return more > 0 ? `${sentence} and ${more} more` : sentence;
}

/** One change as a sentence. Foreign text in it is not made harmless here. */
export function describeChange(change: MissChange, numbers: StepNumbers, { short = false } = {}): string {
  const show = (text: string): string => (short ? oneLine(text) : text);
  switch (change.kind) {
    case 'instruction':
      return describeInstruction(change, show);
    case 'flag':
      return describeValue(change.name, change, show);
    case 'arg':
    case 'env':
      return describeValue(`${change.kind.toUpperCase()} ${change.name}`, change, show);
    case 'base':
      return `base ${change.name}: ${shortDigest(change.before ?? '')} → ${shortDigest(change.after ?? '')}`;
    case 'file':
      return describeFile(change, show);
    case 'step':
      return describeStep(change, numbers, show);
  }
}

function describeInstruction({ name, before = '', after = '' }: MissChange, show: (text: string) => string): string {
  if (before === '' && after === '') return `the ${name} changed`;
  return name === 'text'
    ? `the instruction changed (it was ${show(before)})`
    : `the ${name} changed (${show(before)} → ${show(after)})`;
}

function describeValue(name: string, { change, before, after }: MissChange, show: (text: string) => string): string {
  const value = (text: string | undefined): string => (text === undefined || text === '' ? '' : ` ${show(text)}`);
  if (change === 'added') return `${name}${value(after)} is new`;
  if (change === 'removed') return `${name}${value(before)} is gone`;
  if (before === undefined || after === undefined) return `${name} changed`;
  if (before === after) return `${name} changed (its value is masked)`;
  return `${name}: ${show(before)} → ${show(after)}`;
}

function describeFile({ name, change, what = [], before, after }: MissChange, show: (text: string) => string): string {
  if (change === 'added') return `${name} is new`;
  if (change === 'removed') return `${name} is gone`;
  if (before !== undefined && after !== undefined)
    return `${name}: ${what.join(', ')} ${show(before)} → ${show(after)}`;
  return what.length === 0 || what.join() === 'content' ? `${name} changed` : `${name} changed (${what.join(', ')})`;
}

function describeStep(change: MissChange, numbers: StepNumbers, show: (text: string) => string): string {
  const number = change.step === undefined ? undefined : numbers(change.step);
  const which = number === undefined ? `step ${show(change.name)}` : `step #${number} ${show(change.name)}`;
  if (change.change === 'added') return `${which} above it is new`;
  if (change.change === 'removed') return `${which} above it is gone`;
  if (change.step === undefined) return `${change.name} changed`;
  return change.ranAgain === true
    ? `${which} above it ran again with a different result`
    : `${which} above it has a different result`;
}

/** On one line, and cut in the middle of nothing. */
function oneLine(text: string): string {
  const line = text.trim().replace(/\s*\n\s*/g, ' ');
  const characters = Array.from(line);
  return characters.length <= LONGEST ? line : `${characters.slice(0, LONGEST - 1).join('')}…`;
}

/** `sha256:` and twelve digits are enough to tell two digests apart. */
function shortDigest(text: string): string {
  return text.replace(/(sha256:[0-9a-f]{12})[0-9a-f]{52}/g, '$1');
}
