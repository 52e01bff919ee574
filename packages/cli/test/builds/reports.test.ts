import type { BuildRecord, CheckWarning, RecordedStep } from '@tsbuild/builder';
import { describe, expect, it } from 'vitest';
import { otlpDocument } from '../../src/builds/otlp-document.ts';
import { summaryDocument } from '../../src/builds/summary-document.ts';
import { traceSettings } from '../../src/builds/trace-settings.ts';

const HOSTILE = '`|<img src=x onerror=1>\n# @somebody [x](y) *b* \\|\x1b[2J';
const step = (number: number, more: Partial<RecordedStep> = {}): RecordedStep => ({
  id: `s/${number}`,
  stage: 's',
  index: number,
  total: 2,
  name: `RUN ${number}`,
  number,
  state: 'run',
  started: 10 * number,
  ended: 10 * number + 10,
  ...more,
});
const record = (more: Partial<BuildRecord> = {}): BuildRecord => ({
  version: 2,
  id: 'mx6dadhqrcos',
  started: 0,
  ended: 40,
  outcome: 'done',
  dockerfile: 'Dockerfile',
  project: '/work/Dockerfile',
  names: ['app:latest'],
  platforms: ['linux/amd64'],
  arguments: { SECRETLY: 'a value' },
  steps: [step(1), step(2, { inputs: [1] })],
  phases: [{ kind: 'pull', name: 'abc', started: 1, ended: 5, bytes: 7 }],
  image: { id: 'sha256:1', names: ['app:latest'], size: 2_000_000, milliseconds: 40 },
  ...more,
});

describe('what the environment says of traces', () => {
  const ENDPOINT = 'OTEL_EXPORTER_OTLP_ENDPOINT';
  it.each([
    [{}, undefined],
    [{ [ENDPOINT]: '' }, undefined],
    [{ [ENDPOINT]: 'http://c:4318' }, 'http://c:4318/v1/traces'],
    [{ [ENDPOINT]: 'https://c/otel/' }, 'https://c/otel/v1/traces'],
    [{ [ENDPOINT]: 'http://a', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://b/own' }, 'http://b/own'],
    [{ [ENDPOINT]: 'http://a', OTEL_SDK_DISABLED: 'true' }, undefined],
    [{ [ENDPOINT]: 'http://a', OTEL_TRACES_EXPORTER: 'none' }, undefined],
    [{ [ENDPOINT]: 'http://a', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, 'http://a/v1/traces'],
    [{ [ENDPOINT]: 'http://a', TRACEPARENT: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-00` }, undefined],
  ])('%j', (env, endpoint) => {
    expect(traceSettings(env).endpoint?.href).toBe(endpoint);
    expect(traceSettings(env).problem).toBeUndefined();
  });

  it('is told where it cannot be followed', () => {
    const grpc = { [ENDPOINT]: 'http://a:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
    expect(traceSettings(grpc)).toMatchObject({ problem: expect.stringContaining('http/json') });
    expect(traceSettings(grpc).endpoint).toBeUndefined();
    for (const wrong of ['localhost:4318', 'ftp://a', 'x y'])
      expect(traceSettings({ [ENDPOINT]: wrong }).problem).toMatch(/no http or https URL/);
  });

  it('has headers, attributes and a parent; a malformed parent is none', () => {
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const env = {
      OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%20b, x = y,broken',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=ci,service.name=other',
      OTEL_SERVICE_NAME: 'images',
      TRACEPARENT: `00-${trace}-b7ad6b7169203331-01`,
      TRACESTATE: 'a=b',
    };
    expect(traceSettings(env)).toEqual({
      headers: { 'api-key': 'a b', x: 'y' },
      resource: { 'deployment.environment': 'ci', 'service.name': 'images' },
      parent: { traceId: trace, spanId: 'b7ad6b7169203331', state: 'a=b' },
    });
    for (const wrong of [`00-${'0'.repeat(32)}-b7ad6b7169203331-01`, `ff-${trace}-b7ad6b7169203331-01`, 'x', ''])
      expect(traceSettings({ TRACEPARENT: wrong }).parent).toBeUndefined();
  });
});

it('spans have no value of an argument, variable or message', () => {
  const change = { kind: 'arg', name: 'TOKEN', change: 'changed', before: 'old secret', after: 'new secret' } as const;
  const reason = {
    kind: 'changed',
    summary: 'ARG TOKEN: old secret',
    stageKnown: true,
    changes: [change],
    total: 2,
  } as const;
  const failed = record({
    outcome: 'failed',
    error: { code: 'RUN_FAILED', message: 'process "make a value" failed' },
    steps: [step(1, { name: 'RUN make a value', source: 'RUN make $SECRETLY', state: 'failed', reason })],
  });
  const text = JSON.stringify(otlpDocument(failed, traceSettings({})));
  expect(text).not.toMatch(/a value|old secret|new secret/);
  expect(text).toContain('"stringValue":"arg TOKEN changed and 1 more"');
  expect(text).toContain('"name":"RUN make $SECRETLY"');
});

describe('the summary of a build', () => {
  const range = { start: { line: 3, column: 0 }, end: { line: 3, column: 1 } };
  const finding = (message: string): CheckWarning => {
    const source = { name: 'Dockerfile', text: '' };
    return { type: 'check-warning', rule: 'SecretInLayer', description: '', url: '', message, range, source };
  };

  it('has size and change, the critical path, findings and steps', () => {
    const { image } = record();
    const previous = record({ ...(image && { image: { ...image, size: 1_000_000 } }) });
    const text = summaryDocument({
      record: record(),
      previous,
      digest: 'sha256:9',
      findings: [finding('bad')],
      now: 60_000,
    });
    expect(text).toContain('## app:latest: done\n');
    expect(text).toContain('| Digest | sha256:9 |\n');
    expect(text).toContain('| Size | 2MB (+1MB, +100.0 % since the build about a minute ago) |\n');
    expect(text).toContain('| Critical path | #1 → #2 |\n');
    expect(text).toContain('- **SecretInLayer** Dockerfile:3: bad\n');
    expect(text).toMatch(/\n\| \*\*#2\*\* \| &#91;s 2\/2&#93; RUN 2 \| {2}\| ran \| 0\.0s \| {2}\| {2}\|\n/);
  });

  it('lets no text of a build become markup, a cell, a line or a mention', () => {
    const hostile = record({
      names: [HOSTILE],
      steps: [step(1, { source: `RUN ${HOSTILE}` })],
      error: { code: 'X', message: HOSTILE },
    });
    const text = summaryDocument({ record: hostile, findings: [finding(HOSTILE)], now: 0 });
    expect(text).not.toMatch(/<|`|@somebody|\x1b|\\|\[x\]|\*b\*/);
    const rows = text.split('\n').filter((line) => line.startsWith('| **#'));
    expect(rows.map((row) => row.split('|').length)).toEqual([9]);
  });

  it('is cut where GitHub would drop it, at the end of a line', () => {
    const steps = Array.from({ length: 2000 }, (_, i) => step(i + 1, { source: `RUN ${'ä'.repeat(100)}` }));
    const text = summaryDocument({ record: record({ steps }), findings: [], now: 0 });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(64 * 1024 + 16);
    expect(Buffer.byteLength(text)).toBeGreaterThan(60 * 1024);
    expect(text).toMatch(/\|\n\n… cut at 64 kB\n\n$/);
  });
});
