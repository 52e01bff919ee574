// The builders that are compared: how each is told to build, and to forget.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { quietly } from './measure.mjs';

const succeeds = (command, env) => spawnSync(command[0], command.slice(1), { env, stdio: 'ignore' }).status === 0;

/** What a `tsbuild` of an earlier commit is called in the table. */
export const EARLIER = 'tsbuild before';

/**
 * Every builder that is there; `before` is the main.js of an earlier tsbuild, which is compared as a peer. Those with `isSlow` are left out of rows of great data unless all is asked for: the classic one
 * needs half a minute for each. Docker is the engine of DOCKER_HOST; nothing of it is pruned, names begin with tsbuild-bench.
 */
export function findBuilders({ folder, cli, before, env }) {
  const builders = [tsbuild('tsbuild', folder, cli, env)];
  if (before !== undefined) builders.push(tsbuild(EARLIER, folder, before, env));
  // Its plugins lie beside its configuration, in the true home.
  const dockerEnv = { ...env, DOCKER_CONFIG: env.DOCKER_CONFIG ?? join(homedir(), '.docker') };
  if (env.DOCKER_HOST && succeeds(['docker', 'version'], env)) {
    if (succeeds(['docker', 'buildx', 'version'], dockerEnv)) builders.push(docker('buildx', dockerEnv));
    builders.push(docker('classic', dockerEnv));
  }
  if (succeeds(['buildah', '--version'], env)) builders.push(buildah(folder, env));
  return builders;
}

function tsbuild(name, folder, cli, env) {
  const root = join(folder, name === EARLIER ? 'store-before' : 'store');
  const run = (...words) => [process.execPath, cli, '--root', root, ...words];
  return {
    name,
    isOurs: true,
    env,
    root,
    run,
    forget: () => rmSync(root, { recursive: true, force: true }),
    addBase: (base, archive) => quietly(run('import', archive, base), { env }),
    build: ({ file, context, tag = 'tsbuild-bench', flags = [] }) =>
      run('build', '-q', '-t', tag, '-f', file, ...flags, context),
    save: (tag, file) => run('save', tag, '-o', file),
    cold: [],
  };
}

function docker(kind, env) {
  const own = { ...env, DOCKER_BUILDKIT: kind === 'buildx' ? '1' : '0' };
  const verb = kind === 'buildx' ? ['buildx', 'build', '--load'] : ['build'];
  return {
    name: kind === 'buildx' ? 'BuildKit' : 'docker classic',
    env: own,
    forget: () => undefined,
    addBase: (name, archive) => quietly(['docker', 'import', archive, name], { env: own }),
    build: ({ file, context, tag = `tsbuild-bench-${kind}` }) => [
      'docker',
      ...verb,
      '-q',
      '--network=none',
      '-t',
      tag,
      '-f',
      file,
      context,
    ],
    save: (tag, file) => ['docker', 'save', tag, '-o', file],
    isSlow: kind !== 'buildx',
    cold: ['--no-cache'],
  };
}

function buildah(folder, env) {
  const store = ['--root', join(folder, 'buildah'), '--runroot', join(folder, 'buildah-run')];
  const run = (...words) => ['buildah', ...store, ...words];
  return {
    name: 'buildah',
    env,
    forget: () => spawnSync('buildah', [...store, 'rmi', '-f', 'tsbuild-bench'], { env, stdio: 'ignore' }),
    addBase(name, archive) {
      const container = quietly(run('from', 'scratch'), { env }).trim();
      quietly(run('add', container, archive, '/'), { env });
      quietly(run('commit', '-q', '--rm', container, `localhost/${name}`), { env });
    },
    build: ({ file, context, tag = 'tsbuild-bench' }) =>
      run('build', '-q', '--layers', '--pull=never', '--network=none', '-t', tag, '-f', file, context),
    save: (tag, file) => run('push', '-q', `localhost/${tag}`, `docker-archive:${file}`),
    isSlow: true,
    cold: ['--no-cache'],
  };
}
