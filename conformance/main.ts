import { chmod, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BASE_NAMES, bundleCli, makeBases } from './bases.ts';
import { Engine } from './engine.ts';
import { readImageFacts } from './image-facts.ts';
import { readCases } from './project.ts';
import { writeReport } from './report.ts';
import { type Bench, type CaseResult, runCase } from './run-case.ts';
import { TsbuildBuilder } from './tsbuild.ts';
import { startWebServer } from './web-server.ts';

const USAGE = `npm run conformance -- [options]
  --filter REGEX  only cases whose area/name matches
  --case NAME     only this one; may be given several times
  --jobs N        cases side by side (default 2)
  --verbose       show known differences too
  --write         write the results of a part, too
  --list          names all cases

DOCKER_HOST names the engine to compare with; without it, one of Debian's docker.io is started (as root).
A run of all cases writes docs/conformance.md. The exit code is 1 when any case fails.
`;

/** Runs the command. @returns the exit code */
export async function run(argv: readonly string[]): Promise<number> {
  process.umask(0o022);
  let options: Options;
  try {
    options = optionsOf(argv);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  if (options.help === true) return show(USAGE);
  if (options.list === true) return show(options.cases.map(({ area, name }) => `${area}/${name}\n`).join(''));
  if (options.cases.length === 0) {
    process.stderr.write('no such case; --list names all\n');
    return 2;
  }
  return withBench((bench, engine) => compareAll(bench, engine, options));
}

type Options = ReturnType<typeof optionsOf>;

function optionsOf(argv: readonly string[]) {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      filter: { type: 'string' },
      case: { type: 'string', multiple: true },
      jobs: { type: 'string' },
      verbose: { type: 'boolean' },
      write: { type: 'boolean' },
      list: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  const jobs = Number(values.jobs ?? 2);
  if (!Number.isInteger(jobs) || jobs < 1) throw new RangeError('--jobs must be a whole number above 0');
  const all = readCases();
  const filter = new RegExp(values.filter ?? '');
  const chosen = all.filter(
    ({ area, name }) => filter.test(`${area}/${name}`) && (values.case === undefined || values.case.includes(name)),
  );
  return { ...values, jobs, all, cases: chosen };
}

/** Sets everything up, and takes it away again. */
async function withBench(task: (bench: Bench, engine: Engine) => Promise<number>): Promise<number> {
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'tsbuild-conformance-'));
  const clean = async (): Promise<void> => rm(folder, { recursive: true, force: true });
  let engine: Engine | undefined;
  const stop = (code: number) => (): void => {
    void (async () => {
      await engine?.close(BASE_NAMES);
      await clean();
      process.exit(code);
    })();
  };
  process.once('SIGINT', stop(130)).once('SIGTERM', stop(143));
  const web = await startWebServer(join(folder, 'cases'));
  try {
    await chmod(folder, 0o755);
    await mkdir(join(folder, 'cases'));
    engine = await Engine.connect(join(folder, 'engine'));
    const archives = await makeBases();
    const tsbuild = new TsbuildBuilder(await bundleCli(folder), folder);
    const bases = new Map<string, Awaited<ReturnType<typeof readImageFacts>>>();
    for (const [i, archive] of archives.entries()) {
      await Promise.all([engine.load(archive), tsbuild.load(archive)]);
      bases.set(BASE_NAMES[i] ?? '', await readImageFacts(archive));
    }
    return await task(
      { tsbuild, engine, folder: join(folder, 'cases'), webUrl: web.url, run: Date.now().toString(36), bases },
      engine,
    );
  } finally {
    await web.close();
    await engine?.close(BASE_NAMES);
    await clean();
  }
}

async function compareAll(
  bench: Bench,
  engine: Engine,
  { cases, all, jobs, verbose, write }: Options,
): Promise<number> {
  const waiting = [...cases];
  const results: CaseResult[] = [];
  const named = `Docker ${engine.version} (${engine.hasBuildx ? 'buildx' : 'docker build'})`;
  show(`${cases.length} cases, compared with ${named}\n`);
  const job = async (): Promise<void> => {
    for (let test = waiting.shift(); test !== undefined; test = waiting.shift()) {
      const result = await runCase(test, bench);
      results.push(result);
      show(lineOf(result, results.length, cases.length, verbose === true));
    }
  };
  await Promise.all(Array.from({ length: jobs }, job));
  const count = (verdict: CaseResult['verdict']): number =>
    results.filter((result) => result.verdict === verdict).length;
  if (write === true || cases.length === all.length) await writeReport(all, results, named, engine.shortVersion);
  const failed = count('FAIL');
  show(
    `conformance: ${results.length - failed} of ${results.length} ` +
      `(${count('same')} same, ${count('literal')} literal, ${count('deliberate')} deliberate differences), ${failed} failed\n`,
  );
  return failed === 0 ? 0 : 1;
}

function lineOf(
  { test, verdict, details, reasons }: CaseResult,
  number: number,
  total: number,
  verbose: boolean,
): string {
  const title = `[${String(number).padStart(String(total).length)}/${total}] ${verdict.padEnd(10)} ${test.area}/${test.name}\n`;
  if (verdict !== 'FAIL' && !verbose) return title;
  return (
    title +
    [...details, ...reasons.map((reason) => `(${reason})`)].map((line) => `      ${line.slice(0, 1000)}\n`).join('')
  );
}

function show(text: string): number {
  process.stdout.write(text);
  return 0;
}
