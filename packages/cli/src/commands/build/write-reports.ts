import { appendFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BuildError, type BuildRecord } from '@tsbuild/builder';
import { writeOutputFile } from '@tsbuild/oci/internal';
import { chromeTrace } from '../../builds/chrome-trace.ts';
import { otlpDocument } from '../../builds/otlp-document.ts';
import { postTrace } from '../../builds/post-trace.ts';
import { summaryDocument } from '../../builds/summary-document.ts';
import { traceSettings } from '../../builds/trace-settings.ts';
import type { Host } from '../../host/host.ts';
import { checkReport } from '../../output/findings/check-findings.ts';
import { findingsDocument, findingsRoot } from '../../output/findings/check-formats.ts';
import { sanitizeText } from '../../output/sanitize.ts';
import { limitNotice } from './build-notice.ts';
import type { BuildFlags } from './build-options.ts';
import type { BuildEnd } from './build-end.ts';
import { parseFindings } from './findings-flag.ts';

/** What there is to report. A build that had no plan has no record. */
interface Report extends BuildEnd {
  readonly record?: BuildRecord;
  readonly digest?: string;
}

/** Writes what was asked for, the trace for a collector last. @throws the file system's error */
export async function writeReports(report: Report, options: BuildFlags, host: Host): Promise<void> {
  const { record } = report;
  for (const text of options.findings) await writeFindings(report, text, host);
  if (record === undefined) return;
  if (options.trace) await writeText(options.trace, toJson(chromeTrace(record)), host);
  if (options.summary) await appendFile(resolve(host.cwd, options.summary), summaryOf(record, report, host));
  await sendTrace(record, options, host);
}

function summaryOf(record: BuildRecord, { warnings, store, digest }: Report, host: Host): string {
  const previous = store?.builds.others(record).find(({ image }) => image !== undefined);
  return summaryDocument({
    record,
    findings: warnings,
    now: host.now(),
    ...(previous === undefined ? {} : { previous }),
    ...(digest === undefined ? {} : { digest }),
  });
}

async function writeFindings({ warnings, error, dockerfile }: Report, text: string, host: Host): Promise<void> {
  const { path, format } = parseFindings(text);
  const placed = error instanceof BuildError && error.range !== undefined ? error : undefined;
  const source = warnings[0]?.source ?? placed?.source ?? { name: dockerfile ?? 'Dockerfile', text: '' };
  const checked = { source, warnings, error: placed, failed: error !== undefined };
  const document = findingsDocument(
    format,
    checkReport(checked, dockerfile, findingsRoot(format, host.env) ?? host.cwd),
  );
  await writeText(path, typeof document === 'string' ? document : toJson(document.json), host);
}

async function writeText(path: string, text: string, host: Host): Promise<void> {
  if (path === '-') host.stdout.write(text);
  else await writeOutputFile(resolve(host.cwd, path), (sink) => sink(Buffer.from(text)), host.signal);
}

/** A lost trace is a warning, whatever the reason. */
async function sendTrace(record: BuildRecord, options: BuildFlags, host: Host): Promise<void> {
  const settings = traceSettings(host.env);
  const { endpoint, headers, problem } = settings;
  if (endpoint === undefined) {
    if (problem !== undefined) limitNotice(`the trace was not sent: ${problem}`, options, host);
    return;
  }
  const lost = await postTrace(endpoint, headers, toJson(otlpDocument(record, settings)));
  // Of the address only the host: it may hold a token.
  if (lost !== undefined) limitNotice(`the trace was not sent to ${endpoint.host}: ${lost}`, options, host);
}

function toJson(document: unknown): string {
  return `${sanitizeText(JSON.stringify(document))}\n`;
}
