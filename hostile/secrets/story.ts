import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../test/support/process.ts';
import { Canaries } from './canaries.ts';
import type { CanaryName } from './canaries.ts';
import { Servers } from './servers.ts';

/** What was done, and where all that it made lies. */
export interface Story {
  readonly canaries: Canaries;
  /** The store, temporary files, outputs, logs and what was pushed; the secrets themselves lie elsewhere. */
  readonly made: string;
  /** Commands that ended otherwise than they should. */
  readonly failures: readonly string[];
}

/** Pulls, builds, pushes, saves and looks at an image, with thirteen secrets on the way. */
export async function tell(cli: string, folder: string): Promise<Story> {
  const canaries = new Canaries();
  const own = join(folder, 'own');
  const made = join(folder, 'made');
  for (const name of [own, join(made, 'tmp'), join(made, 'context'), join(made, 'pushed'), join(own, 'docker')])
    mkdirSync(name, { recursive: true });
  const agent = join(own, 'agent.sock');
  await using servers = await Servers.start(canaries, agent);
  const secret = join(own, 'secret');
  writeFileSync(secret, canaries.get('secret file'));
  writeConfig(join(own, 'docker/config.json'), canaries, servers);
  const coded = (name: CanaryName): string => encodeURIComponent(canaries.get(name));
  const env = {
    TSBUILD_ROOT: join(made, 'store'),
    TMPDIR: join(made, 'tmp'),
    HOME: own,
    DOCKER_CONFIG: join(own, 'docker'),
    HTTP_PROXY: `http://user:${coded('password of a proxy')}@${servers.proxy}`,
    http_proxy: `http://user:${coded('password of a proxy')}@${servers.proxy}`,
    NO_PROXY: '127.0.0.1',
    no_proxy: '127.0.0.1',
    SECRET_VARIABLE: canaries.get('secret variable'),
    GIT_TOKEN: canaries.get('token of a git host that redirects to another'),
    CI_JOB_TOKEN: canaries.get('variable of the build’s environment'),
  };
  // Outside of what is searched: the passwords of URLs are written there.
  writeFileSync(join(own, 'Dockerfile'), dockerfile(canaries, servers));
  const gitURL = `http://user:${coded('password in the URL of a git repository')}@${servers.shop}/x.git#main`;
  writeFileSync(join(own, 'git.Dockerfile'), `FROM scratch\nADD ${gitURL} /\n`);
  writeFileSync(join(own, 'moved.Dockerfile'), `FROM scratch\nADD http://${servers.shop}/moved.git#main /\n`);
  const failures: string[] = [];
  const command = async (name: string, args: readonly string[], wanted = 0): Promise<string> => {
    const ended = await run(process.execPath, [cli, '--debug', ...args], { env, cwd: made, timeout: 600_000 });
    writeFileSync(join(made, `${name}.log`), `${ended.stdout}\n${ended.stderr}`);
    if (ended.exitCode !== wanted) failures.push(`${name}: exit code ${ended.exitCode}: ${ended.stderr.slice(-1500)}`);
    return ended.stdout + ended.stderr;
  };
  const image = `${servers.shop}/app:1`;
  const build = ['build', '--network', 'none', '--secret', `id=file,src=${secret}`, '--secret', 'id=variable,env=SECRET_VARIABLE',
    '--ssh', `default=${agent}`, '--build-arg', 'HTTP_PROXY', '-f', join(own, 'Dockerfile'),
    '-t', image]; // biome-ignore format: one list
  await command('pull', ['pull', `${servers.registry}/base:1`]);
  const log = await command('build', [...build, '--progress', 'plain', '--metadata-file', 'metadata.json', 'context']);
  for (const [word, name] of [['file used', 'secret file'], ['variable used', 'secret variable'], ['agent used', 'what an SSH agent says']] as const) {
    if (log.includes(`] ${word}`) || log.includes(` ${word}`)) canaries.use(name);
  } // biome-ignore format: one table
  await command('build-json', [...build, '--progress', 'json', '--no-cache', 'context']);
  await command('build-cached', [...build, '--progress', 'plain', 'context']);
  await command('build-failed', [...build, '--build-arg', 'BREAK=1', '--progress', 'plain', 'context'], 1);
  await command('build-git', ['build', '-f', join(own, 'git.Dockerfile'), '--progress', 'plain', 'context'], 1);
  const moved = ['--secret', 'id=GIT_AUTH_TOKEN,env=GIT_TOKEN', '-f', join(own, 'moved.Dockerfile')];
  await command('build-moved', ['build', ...moved, '--progress', 'plain', 'context'], 1);
  await command('push', ['push', image]);
  await command('push-json', ['push', '--progress', 'json', image]);
  for (const name of ['history', 'inspect']) await command(name, [name, image]);
  await command('images', ['images']);
  await command('save', ['save', '-o', 'image.tar', image]);
  for (const [i, bytes] of [...servers.pushed.values()].entries()) writeFileSync(join(made, `pushed/${i}`), bytes);
  // They are in the environment of the commands, and in the configuration, all the time.
  canaries.use('variable of the build’s environment');
  canaries.use('another login in the Docker configuration');
  return { canaries, made, failures };
}

function dockerfile(canaries: Canaries, { registry, shop }: Servers): string {
  const length = (name: CanaryName): number => canaries.get(name).length;
  return `FROM ${registry}/base:1
ADD http://user:${encodeURIComponent(canaries.get('password in a URL'))}@${shop}/file.txt /by-url
ADD http://files.test/file.txt /by-proxy
RUN --mount=type=secret,id=file test "$(wc -c </run/secrets/file)" = ${length('secret file')} && echo file used
RUN --mount=type=secret,id=variable,env=GIVEN test \${#GIVEN} = ${length('secret variable')} && echo variable used
RUN --mount=type=ssh test -S "$SSH_AUTH_SOCK" && echo agent used
RUN --mount=type=secret,id=file,target=/root/.netrc cat /root/.netrc >/dev/shm/copy && env >/dev/null
ARG BREAK
RUN --mount=type=secret,id=file test -z "$BREAK"
`;
}

function writeConfig(path: string, canaries: Canaries, { registry, shop }: Servers): void {
  const auth = (password: string): string => Buffer.from(`user:${password}`).toString('base64');
  const auths = {
    [registry]: { auth: auth(''), identitytoken: canaries.get('identity token') },
    [shop]: { auth: auth(canaries.get('password of a registry')) },
    'other.example': { auth: auth(canaries.get('another login in the Docker configuration')) },
  };
  writeFileSync(path, JSON.stringify({ auths }));
}
