import type { CheckWarning, ProgressEvent, ProgressReporter } from '@tsbuild/builder';
import type { Host } from '../host/host.ts';
import { paint, usesColour } from './colour.ts';
import { sanitizeName, sanitizeText } from './sanitize.ts';
import { renderBeginning, renderFrame } from './source-frame.ts';

/** So many warnings are shown with the lines that they speak of; more are a list. */
const FEW = 3;
/** Of a long instruction the beginning will do. */
const MOST_LINES = 3;

/** Passes progress on, and keeps the warnings of checks: they are shown last, where they are seen. */
export class WarningCollector implements ProgressReporter {
  readonly #reporter: ProgressReporter;
  readonly #warnings: CheckWarning[] = [];
  /** All of them, shown or not. */
  readonly all: CheckWarning[] = [];

  constructor(reporter: ProgressReporter) {
    this.#reporter = reporter;
  }

  report(event: ProgressEvent): void {
    if (event.type === 'check-warning') {
      this.#warnings.push(event);
      this.all.push(event);
    }
    this.#reporter.report(event);
  }

  /** The warnings for the end of a build; empty when there are none, or when it was asked before. */
  text(host: Pick<Host, 'stderr' | 'env'>): string {
    const warnings = this.#warnings.splice(0);
    return warnings.length === 0 ? '' : listWarnings(warnings, usesColour(host.stderr, host.env));
  }
}

/** ` - Rule: message (Dockerfile:3)` for each, and the lines when there are few. */
function listWarnings(warnings: readonly CheckWarning[], colour: boolean): string {
  const count = warnings.length === 1 ? '1 warning found' : `${warnings.length} warnings found`;
  const isFew = warnings.length <= FEW;
  const lines = [paint(`${count}${isFew ? '' : ' (build --check shows the lines)'}:`, 'yellow', colour)];
  for (const warning of warnings) {
    const { rule, message, range, source } = warning;
    const place = `${sanitizeName(source.name)}:${range.start.line}`;
    lines.push(` - ${rule}: ${sanitizeName(message)} (${place})`);
    if (isFew) lines.push(...renderBeginning(source, range, MOST_LINES));
  }
  return `${lines.join('\n')}\n`;
}

/** One warning as `--check` shows it, with its frame. */
export function renderWarning(warning: CheckWarning, colour: boolean): string {
  const { rule, url, message, source, range } = warning;
  const head = `${paint('WARNING:', 'yellow', colour)} ${rule} - ${url}`;
  return `\n${[head, sanitizeText(message), ...renderFrame(source, range)].join('\n')}\n`;
}
