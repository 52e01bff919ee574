import { BuildError, type SourceFile } from '@tsbuild/builder';
import { OciError } from '@tsbuild/oci';
import { describe, expect, it } from 'vitest';
import { CommandError, UsageError } from '../../src/host/usage-error.ts';
import { diagnose, renderDiagnostic } from '../../src/output/diagnostic.ts';
import { renderFrame } from '../../src/output/source-frame.ts';

const dockerfile: SourceFile = {
  name: 'Dockerfile',
  text: 'FROM node:18-alpine\nWORKDIR /app\nCOPY package*.json ./\nRUN npm install \\\n  && npm test\nCOPY . .\nEXPOSE 80\n',
};

function range(first: number, last = first, endColumn = 5) {
  return { start: { line: first, column: 0 }, end: { line: last, column: endColumn } };
}

function render(error: unknown): string {
  return renderDiagnostic(diagnose(error, { debug: false }), { colour: false });
}

describe('a frame of the Dockerfile', () => {
  it.each([
    ['one line', range(3)],
    ['several lines', range(4, 5)],
    ['the first line', range(1)],
    ['the last line, ended at the next one', range(7, 8, 0)],
  ])('%s', (_, at) => {
    expect(renderFrame(dockerfile, at).join('\n')).toMatchSnapshot();
  });
});

it('cuts what nobody reads: thousands of lines, and long ones', () => {
  const heredoc = { name: 'Dockerfile', text: `FROM a\nRUN <<EOF\n${'echo x\n'.repeat(5000)}EOF\n` };
  const lines = renderFrame(heredoc, range(2, 5003, 3));
  expect(lines).toHaveLength(24);
  expect(lines).toContain('     | … 4983 more lines');
  expect(lines.at(-2)).toBe('5003 | >>> EOF');
  const long = { name: 'Dockerfile', text: `RUN ${'x'.repeat(60_000)} --bad` };
  expect(renderFrame(long, range(1))[2]).toMatch(/^ {3}1 \| >>> RUN x{196}… \(60010 characters\)$/);
  const place = { start: { line: 1, column: 60_005 }, end: { line: 1, column: 60_010 } };
  expect(renderFrame(long, place)[2]).toBe(`   1 | >>> …${'x'.repeat(39)} --bad`);
  const binary = new BuildError('RUN_FAILED', `no ${'\0'.repeat(100_000)}`, {
    output: ['\0\u001b'.repeat(9000), 'y'.repeat(9000)],
  });
  expect(render(binary).length).toBeLessThan(10_000);
});

it('shows no password of a URL, in time that grows with the line alone', () => {
  const frame = renderFrame({ name: 'D', text: 'ADD https://me:secret@host/x ssh://git@host/x' }, range(1)).join('');
  expect(frame).toContain('ADD https://xxxxx:xxxxx@host/x ssh://git@host/x');
});

it('shows a failed RUN: its output, the frame, the error, the hint', () => {
  const error = new BuildError('RUN_FAILED', 'RUN npm install && npm test: exit code 1', {
    range: range(4, 5),
    source: dockerfile,
    hint: 'the network was none',
    exitCode: 1,
    output: ['npm \x1b[31merror\x1b[0m missing script', 'see the log'],
  });
  expect(render(error)).toMatchInlineSnapshot(`
    "------
    npm error missing script
    see the log
    ------
    Dockerfile:4
    --------------------
       2 |     WORKDIR /app
       3 |     COPY package*.json ./
       4 | >>> RUN npm install \\
       5 | >>>   && npm test
       6 |     COPY . .
       7 |     EXPOSE 80
    --------------------
    ERROR: RUN npm install && npm test: exit code 1
    hint: the network was none
    "
  `);
});

it.each([
  ['usage', new UsageError('unknown option --tga', { hint: 'did you mean --tag?', command: 'build' }), 2],
  ['usage without a hint', new UsageError('unknown option --x', { command: 'build' }), 2],
  ['operation', new CommandError('docker load failed', { hint: 'is the engine running?' }), 1],
  ['option of the builder', new BuildError('OPTION_INVALID', 'no such platform'), 2],
  ['image', new OciError('IMAGE_NOT_FOUND', 'No such image: x'), 1],
  ['hostile name', new OciError('IMAGE_NOT_FOUND', 'No such image: \x1b[2J'), 1],
  [
    'system',
    Object.assign(new Error("ENOSPC: no space left on device, write '/x'"), {
      code: 'ENOSPC',
      syscall: 'write',
      path: '/x',
    }),
    1,
  ],
  ['fault', new TypeError('x is not a function'), 1],
])('%s', (_, error, exitCode) => {
  expect(diagnose(error, { debug: false }).exitCode).toBe(exitCode);
  expect(render(error)).toMatchSnapshot();
  expect(render(error)).not.toMatch(/\n\s+at /);
});

it.each([
  [{ status: 401, host: 'registry-1.docker.io' }, 'tsbuild login'],
  [{ status: 401, host: 'ghcr.io' }, 'tsbuild login ghcr.io'],
  [{ status: 401, registry: 'localhost:5000' }, 'tsbuild login localhost:5000'],
  [{ status: 403, host: 'ghcr.io' }, undefined],
])('says where to log in: %j', (fields, hint) => {
  expect(diagnose(new OciError('REGISTRY_DENIED', 'no', { fields }), { debug: false }).hint).toBe(hint);
});

it.each([
  ['LAYOUT_INVALID', { path: '/s', format: 2 }, 'use a newer tsbuild, or another store with --root or TSBUILD_ROOT'],
  ['LAYOUT_INVALID', { path: '/s', access: 'refused' }, 'another store is named with --root or TSBUILD_ROOT'],
  ['LAYOUT_INVALID', { path: '/s' }, undefined],
  ['IMAGE_NOT_FOUND', { name: 'a', store: '/s' }, "'tsbuild images' lists those in the store"],
  ['IMAGE_NOT_FOUND', { name: 'a' }, undefined],
  ['IMAGE_IN_USE', {}, "'tsbuild rmi --force' removes all names of an image"],
] as const)('says what commands help where the library names none: %s %j', (code, fields, hint) => {
  expect(diagnose(new OciError(code, 'no', { fields }), { debug: false }).hint).toBe(hint);
});

it('shows the stack and the causes with --debug', () => {
  const error = new OciError('BLOB_CORRUPT', 'a blob', { cause: new Error('the cause') });
  const text = renderDiagnostic(diagnose(error, { debug: true }), { colour: true });
  expect(text).toContain('\x1b[31mERROR:\x1b[0m a blob');
  expect(text).toContain('code: BLOB_CORRUPT (tsbuild explain)\n');
  expect(text).toMatch(/\n\s+at [\s\S]*caused by Error: the cause/);
});
