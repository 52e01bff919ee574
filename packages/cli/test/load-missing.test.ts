import { chmod, readFile, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory, tsbuild } from './testing-host.ts';

/** What the engine below answers, by method and path; anything else is 404. */
type Answers = (request: string, body: Buffer) => { status?: number; body: unknown } | undefined;

/** Something that speaks the engine's API, and a docker command beside it that keeps what it is given. */
async function fakeEngine(answers: Answers) {
  const folder = await temporaryDirectory();
  const socket = join(folder, 'engine.sock');
  const loaded: Buffer[] = [];
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    if (request.method === 'POST') loaded.push(body);
    const answer = answers(`${request.method} ${request.url}`, body);
    response.writeHead(answer === undefined ? 404 : (answer.status ?? 200)).end(JSON.stringify(answer?.body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  onTestFinished(() => void server.close());
  await writeFile(join(folder, 'docker'), '#!/bin/sh\n/bin/cat > "$(dirname "$0")/got.tar"\necho Loaded by docker\n');
  await chmod(join(folder, 'docker'), 0o755);
  return { folder, loaded, env: { DOCKER_HOST: `unix://${socket}`, PATH: `${folder}:${process.env['PATH']}` } };
}

async function buildAndLoad(env: Readonly<Record<string, string>>) {
  const [root, cwd] = [await temporaryDirectory(), await temporaryDirectory()];
  await writeFile(join(cwd, 'Dockerfile'), 'FROM scratch\nCOPY big /\n');
  await writeFile(join(cwd, 'big'), Buffer.alloc(3 << 20, 'x'));
  return tsbuild(['build', '--load', '-t', 'my-app', '.'], { root, cwd, env });
}

const rootOnly = process.geteuid?.() !== 0;

describe.skipIf(rootOnly)('an engine that does not do as it should (needs root)', () => {
  const refusing: [string, Answers][] = [
    [
      'refuses the archive',
      (request) =>
        request.startsWith('POST') ? { body: { errorDetail: { message: 'no such layer' } } } : { body: [] },
    ],
    [
      'says an error status',
      (request) => (request.startsWith('POST') ? { status: 500, body: { message: 'no' } } : { body: [] }),
    ],
    ['takes it, but has no such image then', (request) => (request.includes('my-app') ? undefined : { body: [] })],
    [
      'has another image of that name then',
      (request) =>
        request.includes('my-app')
          ? { body: { Id: `sha256:${'0'.repeat(64)}`, RootFS: { Layers: [] } } }
          : { body: [] },
    ],
    ['is no engine', () => ({ body: 'hello' })],
  ];
  it.each(refusing)('%s: the docker command gets the whole archive', async (_, answers) => {
    const { folder, env } = await fakeEngine(answers);
    const { code, stderr } = await buildAndLoad(env);
    expect(stderr).toContain('Loaded by docker');
    expect(code).toBe(0);
    expect((await readFile(join(folder, 'got.tar'))).length).toBeGreaterThan(3 << 20);
  });
});

it.skipIf(rootOnly)('asks about no other image when the one of that name has enough (needs root)', async () => {
  const asked: string[] = [];
  let image: unknown;
  const { env } = await fakeEngine((request) => {
    asked.push(request);
    return { body: request.includes('my-app') ? (image ?? {}) : [] };
  });
  const [root, cwd] = [await temporaryDirectory(), await temporaryDirectory()];
  await writeFile(join(cwd, 'Dockerfile'), 'FROM scratch\nCOPY big /\n');
  await writeFile(join(cwd, 'big'), Buffer.alloc(3 << 20, 'x'));
  await tsbuild(['build', '-t', 'my-app', '.'], { root, cwd, env });
  const { stdout } = await tsbuild(['inspect', 'my-app'], { root, cwd, env });
  [image] = JSON.parse(stdout) as [unknown];
  const { stderr } = await tsbuild(['build', '--load', '-t', 'my-app', '.'], { root, cwd, env });
  expect(stderr).not.toContain('Loaded by docker');
  expect(asked).toEqual([
    'GET /images/my-app%3Alatest/json',
    'POST /images/load?quiet=1',
    'GET /images/my-app%3Alatest/json',
  ]);
});
