import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { AgentProxy } from '../../src/mounts/agent-proxy.ts';

it('the agent proxy passes both ways, with the mode that is asked for, and is gone at its end', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tsbuild-agent-'));
  const agent = join(directory, 'agent');
  const server = createServer((socket) => socket.on('data', (chunk) => socket.write(`answer to ${chunk.toString()}`)));
  await new Promise<void>((resolve) => server.listen(agent, resolve));
  const proxy = await AgentProxy.listen(agent, { mode: 0o600, uid: 0, gid: 0 });
  try {
    expect(statSync(proxy.path).mode & 0o777).toBe(0o600);
    const client = connect(proxy.path);
    client.write('question');
    const answer = await new Promise((resolve) => client.once('data', (chunk) => resolve(chunk.toString())));
    expect(answer).toBe('answer to question');
    const closed = new Promise((resolve) => client.once('close', resolve));
    await proxy[Symbol.asyncDispose]();
    await closed;
    expect(existsSync(proxy.path)).toBe(false);
  } finally {
    server.close();
    rmSync(directory, { recursive: true, force: true });
  }
});
