import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { withoutRoot } from './support/lab.ts';
import { contextOf, scratch, type Tsbuild, tsbuild } from './support/tsbuild.ts';

const DOCKERFILE = `FROM busybox AS deps
ARG VERSION=1
COPY package.json /app/
RUN echo "$VERSION" > /deps
FROM busybox AS lint
RUN true
FROM busybox
COPY --from=deps /deps /deps
COPY --from=lint /bin/true /lint
RUN test ! -e /app/broken
COPY . /app/
RUN test ! -e /app/broken
`;
const TOKEN = 'a-value-that-nobody-may-see';
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

/** What a collector was sent. */
interface Posted {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function collector(answer: number | 'none') {
  const posted: Posted[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      posted.push({ method, path, headers, body: Buffer.concat(chunks).toString() });
      if (answer !== 'none') response.writeHead(answer).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { posted, endpoint: `http://127.0.0.1:${port}`, [Symbol.dispose]: close };
}

describe.skipIf(withoutRoot)('the builds of an image (needs root)', () => {
  let builder: Tsbuild;
  let context: string;
  let trace: string;
  let posted: readonly Posted[];
  let failure: string;
  let exitCode: number | undefined;
  const inspect = async (...args: string[]) =>
    JSON.parse(await builder.output(['builds', 'inspect', '--format', 'json', ...args])) as Inspected;

  beforeAll(async () => {
    builder = await tsbuild();
    context = await contextOf({ Dockerfile: DOCKERFILE, 'package.json': '{}', '.dockerignore': 'Dockerfile\n' });
    await builder.output(['build', '-q', '-t', 'app', '--jobs', '2', context]);
    await writeFile(join(context, 'package.json'), '{"name":"app"}');
    await writeFile(join(context, 'broken'), '');
    trace = join(await scratch(), 'trace.json');
    using server = await collector(200);
    const args = ['--build-arg', 'VERSION=2', '--build-arg', `API_TOKEN=${TOKEN}`, '--trace', trace];
    const ended = await builder.run(['build', '-t', 'app', '--jobs', '2', ...args, context], {
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: server.endpoint,
        OTEL_EXPORTER_OTLP_HEADERS: 'x-key=secret%20key',
        TRACEPARENT: `00-${TRACE}-${PARENT}-01`,
      },
    });
    exitCode = ended.exitCode;
    failure = ended.stderr;
    posted = server.posted;
  });

  it('are kept with what ran, when, on what it stood and how it ended', async () => {
    expect(exitCode).toBe(1);
    const record = await inspect('app');
    expect(record).toMatchObject({
      version: 2,
      outcome: 'failed',
      error: { code: 'RUN_FAILED' },
      names: ['app:latest'],
      arguments: { VERSION: '2', API_TOKEN: '***' },
      builder: { version: expect.stringMatching(/^\d/) },
    });
    const told = record.steps.map(({ stage, state, line, inputs }) => [stage, state, line, inputs]);
    expect(told).toEqual([
      ['deps', 'run', 3, []],
      ['deps', 'run', 4, [1]],
      ['lint', 'cached', 6, []],
      ['stage-2', 'run', 8, [2]],
      ['stage-2', 'cached', 9, [3, 4]],
      ['stage-2', 'run', 10, [5]],
      ['stage-2', 'run', 11, [6]],
      ['stage-2', 'failed', 12, [7]],
    ]);
    for (const { started = 0, ended = 0 } of record.steps) {
      expect(started).toBeGreaterThanOrEqual(record.started);
      expect(ended).toBeGreaterThanOrEqual(started);
      expect(record.ended).toBeGreaterThanOrEqual(ended);
    }
    expect(record.phases.map(({ kind }) => kind)).toEqual(['context', 'plan']);
    const { wall, sum, critical, criticalPath } = record.timeline;
    expect(criticalPath.at(-1)).toBe(8);
    expect(criticalPath[0]).toBe(criticalPath.includes(2) ? 1 : 3);
    expect(critical).toBeLessThanOrEqual(Math.min(sum, wall));
    expect((await inspect('app^')).outcome).toBe('done');
  });

  it('are listed, of an image and of a directory, and found by id', async () => {
    const ids = (await builder.output(['builds', 'ls', '-q'])).trim().split('\n');
    expect(ids).toHaveLength(2);
    for (const what of ['app', 'app:latest', context, join(context, '..')])
      expect((await builder.output(['builds', 'ls', '-q', what])).trim().split('\n')).toEqual(ids);
    expect(await builder.output(['builds', 'ls', '-q', 'other'])).toBe('');
    const rows = (await builder.output(['builds', 'ls'])).split('\n');
    expect(rows[1]).toMatch(/^\w{12} {3}app:latest .* failed .* 2\/8/);
    expect(rows[2]).toMatch(/ done .* 0\/8 .*B$/);
    expect((await inspect(ids[1] ?? '')).id).toBe(ids[1]);
    const text = await builder.output(['builds', 'inspect']);
    expect(text).toMatch(/ wall · .* critical path · /);
    expect(text).toMatch(/\n +time +of path +slowest +why\n/);
    expect(text).toContain('package.json changed');
    const unknown = await builder.run(['builds', 'inspect', 'nope']);
    expect([unknown.exitCode, unknown.stderr]).toEqual([1, expect.stringContaining('nope')]);
    const first = ids.at(-1) ?? '';
    expect((await builder.run(['builds', 'compare', first])).stderr).toContain(`no build before ${first} is kept`);
    expect((await builder.run(['builds', 'inspect', 'app^7'])).stderr).toContain('only 2 builds up to app are kept');
  });

  it('compared name the first step that differs, and why', async () => {
    const text = await builder.output(['builds', 'compare', 'app']);
    expect(text).toContain('argument VERSION: (none) → 2\n');
    expect(text).toContain('\nFirst difference: #1 COPY package.json /app/ (line 3)\n  - package.json changed\n');
    expect(text).toMatch(/\n#2 +ran .* ran .* RUN echo .* ARG VERSION: 1 → 2\n/);
    expect(text).toMatch(/\n#8 +ran .* failed .* RUN test ! -e \/app\/broken/);
    expect(text).not.toContain(TOKEN);
    const json = JSON.parse(await builder.output(['builds', 'compare', '--format', 'json', 'app^', 'app'])) as Compared;
    expect(json.first).toMatchObject({ after: { number: 1 }, changes: [{ kind: 'file', name: 'package.json' }] });
    expect(json.steps.map(({ difference }) => difference).slice(0, 4)).toEqual([
      'changed',
      'changed',
      'same',
      'changed',
    ]);
  });

  it('are traces that Perfetto reads: spans that do not overlap on a thread, names, and pairs of flows', async () => {
    const { traceEvents: events } = JSON.parse(await readFile(trace, 'utf8')) as { traceEvents: TraceEvent[] };
    const spans = events.filter(({ ph }) => ph === 'X');
    expect(spans.filter(({ cat }) => cat.startsWith('step'))).toHaveLength(8);
    const named = new Set(events.filter(({ name }) => name === 'thread_name').map(({ tid }) => tid));
    for (const { ts, dur, tid } of spans) {
      expect([ts >= 0, dur >= 0, named.has(tid)]).toEqual([true, true, true]);
      expect(spans.filter((one) => one.tid === tid && one.ts > ts && one.ts < ts + dur)).toEqual([]);
    }
    const flows = new Map<number, TraceEvent[]>();
    for (const event of events) {
      if (event.ph === 's' || event.ph === 'f') flows.set(event.id, [...(flows.get(event.id) ?? []), event]);
    }
    expect(flows.size).toBe(7);
    for (const [from, to] of flows.values()) {
      expect([from?.ph, to?.ph, to?.bp]).toEqual(['s', 'f', 'e']);
      // Each end lies in a span of its thread.
      for (const end of [from, to])
        expect(spans.some(({ tid, ts, dur }) => tid === end?.tid && ts <= end.ts && end.ts <= ts + dur)).toBe(true);
    }
    expect(spans.map(({ name }) => name)).toContain('RUN echo "$VERSION" > /deps');
    const again = JSON.parse(await builder.output(['builds', 'trace', 'app'])) as unknown;
    expect(again).toEqual(JSON.parse(await readFile(trace, 'utf8')));
  });

  it('go to a collector as OTLP, as part of the trace that they belong to, without values', () => {
    expect(failure).not.toContain('WARNING: the trace');
    expect(posted).toHaveLength(1);
    const [{ method, path, headers, body }] = posted as [Posted];
    expect([method, path]).toEqual(['POST', '/v1/traces']);
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'x-key': 'secret key' });
    const spans = (JSON.parse(body) as Otlp).resourceSpans.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap((of) => of.spans),
    );
    const [root, ...others] = spans;
    expect(root).toMatchObject({ traceId: TRACE, parentSpanId: PARENT, name: 'build app:latest', status: { code: 2 } });
    for (const { traceId, spanId, parentSpanId, startTimeUnixNano, endTimeUnixNano, links = [] } of others) {
      expect([traceId, parentSpanId]).toEqual([TRACE, root?.spanId]);
      expect(spanId).toMatch(/^[0-9a-f]{16}$/);
      expect(BigInt(endTimeUnixNano) >= BigInt(startTimeUnixNano)).toBe(true);
      for (const link of links) expect(spans.map((span) => span.spanId)).toContain(link.spanId);
    }
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
    expect(others.filter(({ links }) => links !== undefined)).toHaveLength(8);
    expect(body).not.toContain(TOKEN);
    expect(body).not.toContain('"2"');
  });

  it('do not fail, or wait for long, because of a trace that is lost', async () => {
    for (const answer of [500, 'none'] as const) {
      using server = await collector(answer);
      const build = ['build', '-q', '--target', 'lint', context];
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: server.endpoint };
      const started = performance.now();
      expect((await builder.run(build, { env })).exitCode).toBe(0);
      expect(server.posted).toHaveLength(1);
      // A build takes a second or less; what hangs would take for ever.
      expect(performance.now() - started).toBeLessThan(60_000);
      const loud = await builder.run(
        build.filter((word) => word !== '-q'),
        { env },
      );
      const why = answer === 500 ? 'it answered 500' : 'no answer in 2 seconds';
      expect(loud.stderr).toContain(
        `WARNING: the trace was not sent to ${server.endpoint.slice('http://'.length)}: ${why}\n`,
      );
    }
    const grpc = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
    const { stderr, exitCode: code } = await builder.run(['build', '--target', 'lint', context], { env: grpc });
    expect([code, stderr]).toEqual([0, expect.stringContaining('grpc is not supported; set http/json')]);
  });

  it('leave a summary and findings, which are the same ones when lines move', async () => {
    const text = 'FROM busybox\nCOPY .npmrc /src/\n';
    const token = `//registry.npmjs.org/:_authToken=npm_${'a1B2'.repeat(9)}\n`;
    const files = await contextOf({ Dockerfile: text, '.npmrc': token });
    const summary = join(files, '..', 'summary.md');
    const findings = async (): Promise<Sarif> => {
      const sarif = join(await scratch(), 'findings.sarif');
      const to = ['--findings', sarif, '--findings', '-,format=gnu', '--summary', summary];
      const stdout = await builder.output(['build', '-t', 'leaky', ...to, '.'], { cwd: files });
      expect(stdout).toMatch(/^Dockerfile:\d+:1: note: \/src\/\.npmrc .* \[SecretInLayer\]\n$/);
      return JSON.parse(await readFile(sarif, 'utf8')) as Sarif;
    };
    const first = await findings();
    await writeFile(join(files, 'Dockerfile'), `# moved\n\n${text}`);
    const second = await findings();
    const [a, b] = [first, second].map(({ runs }) => runs[0].results[0]);
    expect(a?.ruleId).toBe('SecretInLayer');
    expect(b?.locations[0].physicalLocation.region.startLine).toBe(4);
    expect(b?.partialFingerprints).toEqual(a?.partialFingerprints);
    const written = await readFile(summary, 'utf8');
    expect(written.match(/^## leaky:latest: done$/gm)).toHaveLength(2);
    expect(written).toContain('(as the build ');
    expect(written).toContain('- **SecretInLayer** Dockerfile:2: /src/.npmrc');
    const both = await builder.run(['build', '--findings', '-', '-o', '-', '.'], { cwd: files });
    expect([both.exitCode, both.stderr]).toEqual([2, expect.stringContaining('standard output')]);
  });

  it('tell how long an output took, also one that failed', async () => {
    const archive = join(await scratch(), 'app.tar');
    await builder.output(['build', '-q', '--target', 'lint', '-t', 'lint', '-o', archive, context]);
    expect((await inspect('lint')).phases).toContainEqual(expect.objectContaining({ kind: 'export', name: archive }));
    const args = ['build', '-q', '--target', 'lint', '-t', '127.0.0.1:1/lint', '--push', context];
    expect((await builder.run(args)).exitCode).toBe(1);
    const pushed = await inspect('127.0.0.1:1/lint');
    expect(pushed.phases).toContainEqual(expect.objectContaining({ kind: 'push', failed: true }));
    expect(await builder.output(['builds', 'ls', '127.0.0.1:1/lint'])).toContain('done, push failed');
  });
});

interface Inspected {
  readonly id: string;
  readonly outcome: string;
  readonly started: number;
  readonly ended: number;
  readonly steps: readonly {
    readonly stage: string;
    readonly state: string;
    readonly line: number;
    readonly inputs: readonly number[];
    readonly started?: number;
    readonly ended?: number;
  }[];
  readonly phases: readonly { readonly kind: string; readonly name?: string }[];
  readonly timeline: {
    readonly wall: number;
    readonly sum: number;
    readonly critical: number;
    readonly criticalPath: readonly number[];
  };
}

interface Compared {
  readonly first: unknown;
  readonly steps: readonly { readonly difference: string }[];
}

interface TraceEvent {
  readonly ph: string;
  readonly name: string;
  readonly cat: string;
  readonly id: number;
  readonly bp?: string;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
}

interface Otlp {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly traceId: string;
        readonly spanId: string;
        readonly parentSpanId: string;
        readonly startTimeUnixNano: string;
        readonly endTimeUnixNano: string;
        readonly links?: readonly { readonly spanId: string }[];
      }[];
    }[];
  }[];
}

interface Sarif {
  readonly runs: readonly [
    {
      readonly results: readonly {
        readonly ruleId: string;
        readonly locations: readonly [
          { readonly physicalLocation: { readonly region: { readonly startLine: number } } },
        ];
        readonly partialFingerprints: object;
      }[];
    },
  ];
}
