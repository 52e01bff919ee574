import {
  type BuildOptions,
  type CheckResult,
  checkBuild,
  listTargets,
  outlineBuild,
  type ProgressEvent,
  Store,
} from '@tsbuild/builder';
import type { GlobalSettings } from '../../grammar/command.ts';
import { EXIT_FAILED, EXIT_OK } from '../../host/exit-code.ts';
import type { Host } from '../../host/host.ts';
import { checkDocument, outlineDocument, targetsDocument } from '../../output/call-documents.ts';
import { outlineTables, targetsTable } from '../../output/call-tables.ts';
import { usesColour } from '../../output/colour.ts';
import { checkReport } from '../../output/findings/check-findings.ts';
import { findingsDocument, findingsRoot } from '../../output/findings/check-formats.ts';
import { styled } from '../../output/safe-stream.ts';
import { sanitizeText } from '../../output/sanitize.ts';
import { renderWarning } from '../../output/warnings.ts';
import { registryOptions } from '../../registry/registry-config.ts';
import { reportError } from '../../output/report-error.ts';
import { openBuildInput } from './build-context.ts';
import type { BuildFlags, builderOptions } from './build-options.ts';
import type { CallFormat, CallMethod } from './call-option.ts';

/** What the command line says beside `--call`. */
export interface CallRequest {
  readonly options: BuildFlags;
  readonly flags: ReturnType<typeof builderOptions>;
  /** The context as it was given. */
  readonly path: string;
  readonly settings: GlobalSettings;
}

/** Tells of the Dockerfile in place of building it; returns the exit code. */
export async function runCall(call: CallMethod, request: CallRequest, host: Host): Promise<number> {
  const { options, flags, path, settings } = request;
  const registry = await registryOptions(host);
  const context = await openBuildInput(path, options.file, host);
  const build: BuildOptions = { ...flags, registry, ...context };
  switch (call.method) {
    case 'check':
      return await runCheck(call, build, settings, host);
    case 'outline': {
      const result = await outlineBuild(build, await Store.open(settings.root), host.signal);
      print(call.format === 'json' ? toJson(outlineDocument(result)) : outlineTables(result.outline), host);
      return EXIT_OK;
    }
    case 'targets': {
      const result = await listTargets(build, await Store.open(settings.root), host.signal);
      print(call.format === 'json' ? toJson(targetsDocument(result)) : targetsTable(result.targets), host);
      return EXIT_OK;
    }
  }
}

async function runCheck(
  call: CallMethod,
  options: BuildOptions,
  settings: GlobalSettings,
  host: Host,
): Promise<number> {
  const store = await Store.open(settings.root);
  const report = (event: ProgressEvent): void => {
    if (event.type === 'notice') host.stderr.write(`WARNING: ${sanitizeText(event.message)}\n`);
  };
  const result = await checkBuild(options, store, { report }, host.signal);
  const format = call.format ?? (host.stdout.isTTY === true ? 'text' : 'gnu');
  host.stdout.write(styled(checkAnswer(format, result, dockerfileOf(options), host)));
  if (result.error !== undefined) {
    // Documents tell of it themselves.
    return format === 'text' || format === 'gnu' ? await reportError(result.error, host, settings) : EXIT_FAILED;
  }
  return !result.failed || call.ignoreStatus ? EXIT_OK : EXIT_FAILED;
}

function checkAnswer(format: CallFormat, result: CheckResult, path: string | undefined, host: Host): string {
  const { cwd, env } = host;
  if (format === 'text') return checkText(result, usesColour(host.stdout, env));
  if (format === 'json') return toJson(checkDocument(result));
  const found = findingsDocument(format, checkReport(result, path, findingsRoot(format, env) ?? cwd));
  return typeof found === 'string' ? found : toJson(found.json);
}

/** The Dockerfile's path, where it is a file of this machine. */
function dockerfileOf({ dockerfile }: BuildOptions): string | undefined {
  return dockerfile?.startsWith('/') === true ? dockerfile : undefined;
}

/** Buildx's words. */
function checkText({ warnings, error }: CheckResult, colour: boolean): string {
  if (warnings.length === 0) return error === undefined ? 'Check complete, no warnings found.\n' : '';
  const count = warnings.length === 1 ? '1 warning has been found!' : `${warnings.length} warnings have been found!`;
  return `Check complete, ${count}\n${warnings.map((warning) => renderWarning(warning, colour)).join('')}`;
}

function print(text: string, host: Host): void {
  host.stdout.write(text);
}

function toJson(document: unknown): string {
  return `${sanitizeText(JSON.stringify(document, null, 2))}\n`;
}
