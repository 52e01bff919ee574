import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A repository on disk and over HTTP, for tests. */
export interface GitServer {
  /** `127.0.0.1:<port>`; the repository is `/repo.git` there. */
  readonly host: string;
  /** The lines and headers of the requests so far. */
  readonly seen: { readonly line: string; readonly authorization: string | undefined }[];
  /** Runs a shell script in a checkout of the repository, and publishes what it committed. */
  commit(script: string): string;
  close(): Promise<void>;
}

const IDENTITY = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.com',
  GIT_AUTHOR_DATE: '1500000000 +0000',
  GIT_COMMITTER_DATE: '1500000000 +0000',
};

/** Answers in place of the repository, where it returns true. */
export type GitGuard = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Serves an empty repository with the branch `main`. Needs the program git. */
export async function startGitServer(
  guard: GitGuard = () => false,
  tls?: { readonly key: string; readonly cert: string },
): Promise<GitServer> {
  const root = mkdtempSync(join(tmpdir(), 'tsbuild-git-'));
  const env = { ...process.env, ...IDENTITY };
  const checkout = join(root, 'checkout');
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', join(root, 'repo.git')], { env });
  execFileSync('git', ['init', '-q', '-b', 'main', checkout], { env });
  const seen: GitServer['seen'] = [];
  const listener: RequestListener = (request, response) => {
    seen.push({ line: `${request.method} ${request.url}`, authorization: request.headers.authorization });
    if (!guard(request, response)) backend(root, request, response);
  };
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    commit(script) {
      const publish =
        'git add -A && git commit -qm x && git push -q --all ../repo.git && git push -q --tags ../repo.git';
      execFileSync('sh', ['-ec', `${script}\n${publish}`], { cwd: checkout, env, stdio: 'pipe' });
      return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: checkout, env, encoding: 'utf8' }).trim();
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** git's own CGI program (git-http-backend(1)). */
function backend(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const child = spawn('git', ['http-backend'], {
    env: {
      ...process.env,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: request.headers['git-protocol']?.toString() ?? '',
    },
  });
  request.pipe(child.stdin);
  const parts: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => parts.push(part));
  child.on('close', () => {
    const answer = Buffer.concat(parts);
    const end = answer.indexOf('\r\n\r\n');
    const headers = answer.subarray(0, end).toString().split('\r\n');
    const status = /^Status: (\d+)/.exec(headers.find((line) => line.startsWith('Status:')) ?? '')?.[1] ?? '200';
    response.statusCode = Number(status);
    for (const line of headers) {
      const [name = '', value = ''] = line.split(': ');
      if (name !== '' && name !== 'Status') response.setHeader(name, value);
    }
    response.end(answer.subarray(end + 4));
  });
}
