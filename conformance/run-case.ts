import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Built, BuildRequest, ImageBuilder } from './builder.ts';
import type { Case, KnownDifference } from './case.ts';
import { compareImages } from './compare.ts';
import { reasonOfAge } from './engine-age.ts';
import { unmet } from './expectation.ts';
import { type ImageFacts, readImageFacts } from './image-facts.ts';
import { runScript, writeContext } from './workspace.ts';

/** `same` as the engine; a `deliberate` difference; `literal`: the documentation judges, not the engine; `FAIL`. */
export type Verdict = 'same' | 'deliberate' | 'literal' | 'FAIL';

/** How a case ended. */
export interface CaseResult {
  readonly test: Case;
  readonly verdict: Verdict;
  /** What was seen: differences that are known, or what is wrong. */
  readonly details: readonly string[];
  /** Why a difference is one that is wanted. */
  readonly reasons: readonly string[];
}

/** What all cases share. */
export interface Bench {
  readonly tsbuild: ImageBuilder;
  readonly engine: ImageBuilder & {
    readonly shortVersion: string;
    speaks(version: readonly [number, number]): boolean;
    load(archive: string): Promise<void>;
  };
  /** Scratch space; a case uses the folder of its name. */
  readonly folder: string;
  readonly webUrl: string;
  /** A word of this run alone: an engine that goes on remembers caches. */
  readonly run: string;
  readonly bases: ReadonlyMap<string, ImageFacts>;
}

/** Builds a case with both builders and judges it. */
export async function runCase(test: Case, bench: Bench): Promise<CaseResult> {
  const folder = join(bench.folder, test.name);
  try {
    const { asksEngine, engine, tsbuild } = await buildBoth(test, bench, folder);
    const problems = [...failureProblems(test, tsbuild, 'tsbuild')];
    const facts = tsbuild.built.succeeded ? await readImageFacts(tsbuild.archive) : undefined;
    if (facts !== undefined) {
      await bench.engine.load(tsbuild.archive);
      problems.push(...unmet(test.expected, facts, baseOf(facts, bench.bases)));
    }
    const differences = asksEngine ? await compare(test, engine, facts) : [];
    return judge(test, bench, { asksEngine, problems, differences });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { test, verdict: 'FAIL', details: [message], reasons: [] };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One builder's end. */
interface Outcome {
  readonly built: Built;
  readonly archive: string;
}

async function buildBoth(test: Case, bench: Bench, folder: string) {
  const fill = (text: string): string =>
    text
      .replaceAll('{context}', join(folder, 'context'))
      .replaceAll('{dir}', folder)
      .replaceAll('{case}', `${test.name}-${bench.run}`)
      .replaceAll('{web}', `${bench.webUrl}/${test.name}`);
  await writeContext(folder, test, fill);
  const asksEngine = test.alone === undefined && (test.since === undefined || bench.engine.speaks(test.since));
  const request = (name: string, useCache: boolean): BuildRequest => ({
    args: test.build.map(fill),
    network: test.network,
    context: fill(test.context),
    stdinFile: test.stdin === undefined ? undefined : join(folder, 'context', test.stdin),
    env: Object.fromEntries(Object.entries(test.env).map(([key, value]) => [key, fill(value)])),
    useCache,
    archive: join(folder, `${name}.tar`),
  });
  const both = async (useCache: boolean) => {
    const [ours, theirs] = [request('tsbuild', useCache), request('engine', useCache)];
    return {
      asksEngine,
      tsbuild: { built: await bench.tsbuild.build(ours), archive: ours.archive },
      engine: {
        built: asksEngine ? await bench.engine.build(theirs) : { succeeded: true, log: '' },
        archive: theirs.archive,
      },
    };
  };
  const first = await both(false);
  if (test.again.length === 0) return first;
  for (const { built } of [first.tsbuild, ...(asksEngine ? [first.engine] : [])])
    if (!built.succeeded) throw new Error(`the first build failed: ${lastWords(built.log)}`);
  await runScript(join(folder, 'context'), test.again, fill);
  return both(true);
}

function failureProblems({ fails }: Case, { built }: Outcome, who: 'tsbuild' | 'engine'): readonly string[] {
  if (fails === undefined) return built.succeeded ? [] : [`${who} fails: ${lastWords(built.log)}`];
  if (built.succeeded) return [`${who} succeeds, but it must fail with ${fails[who].source}`];
  const problems = fails[who].test(built.log.replace(/\s+/g, ' '))
    ? []
    : [`${who} fails with other words than ${fails[who].source}: ${lastWords(built.log)}`];
  if (/^\s+at .*:\d+:\d+\)?$/m.test(built.log)) problems.push(`${who} shows a stack trace: ${lastWords(built.log)}`);
  return problems;
}

async function compare(test: Case, engine: Outcome, facts: ImageFacts | undefined): Promise<readonly string[]> {
  const failures = failureProblems(test, engine, 'engine');
  if (failures.length > 0) return failures;
  if (!engine.built.succeeded || facts === undefined) return [];
  return compareImages(await readImageFacts(engine.archive), facts);
}

function judge(
  test: Case,
  bench: Bench,
  seen: { readonly asksEngine: boolean; readonly problems: readonly string[]; readonly differences: readonly string[] },
): CaseResult {
  const knownFor = (difference: string): KnownDifference | undefined =>
    test.known.find(
      ({ engine, pattern }) =>
        (engine === undefined || engine === bench.engine.shortVersion) && pattern.test(difference),
    );
  const ageOf = (difference: string): string | undefined =>
    reasonOfAge(difference, test, (version) => bench.engine.speaks(version));
  const unknown = seen.differences.filter(
    (difference) => knownFor(difference) === undefined && ageOf(difference) === undefined,
  );
  if (seen.problems.length > 0 || unknown.length > 0)
    return { test, verdict: 'FAIL', details: [...seen.problems, ...unknown], reasons: [] };
  const used = [...new Set(seen.differences.flatMap((difference) => knownFor(difference) ?? []))];
  const aged = seen.differences.flatMap((difference) =>
    knownFor(difference) === undefined ? (ageOf(difference) ?? []) : [],
  );
  const reasons = [...used.map(({ reason }) => reason), ...new Set(aged)];
  const details = seen.differences;
  if (!seen.asksEngine) {
    const why = test.alone ?? `newer than the engine: Dockerfile ${test.since?.join('.') ?? ''}`;
    return { test, verdict: 'literal', details, reasons: [why] };
  }
  if (used.some(({ kind }) => kind === 'deliberate')) return { test, verdict: 'deliberate', details, reasons };
  return { test, verdict: used.length > 0 ? 'literal' : 'same', details, reasons };
}

/** The base that an image stands on, by its lowest layers. */
function baseOf(image: ImageFacts, bases: ReadonlyMap<string, ImageFacts>): ImageFacts | undefined {
  const own = image.config.rootfs.diff_ids;
  const row = image.config.history?.[0]?.created_by;
  return [...bases.values()].find(
    ({ config }) => config.history?.[0]?.created_by === row && config.rootfs.diff_ids.every((id, i) => own[i] === id),
  );
}

function lastWords(log: string): string {
  return log.trim().split('\n').slice(-4).join(' | ').slice(-500);
}
