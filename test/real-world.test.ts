import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dockerInspect, dockerTree } from './support/docker-image.ts';
import { docker, withoutEngine } from './support/lab.ts';
import { output } from './support/process.ts';
import { type Tsbuild, scratch, tsbuild } from './support/tsbuild.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const CI = process.env['CI'] === 'true';
const withoutBases = !CI && !existsSync('/usr/share/keyrings/debian-archive-keyring.gpg');
/** All files of the image from scratch. */
const TREE = [
  'clock -rwxr-xr-x 0/0',
  'etc/ drwxr-xr-x 0/0',
  'etc/passwd -rw-r--r-- 0/0',
  'etc/ssl/ drwxr-xr-x 0/0',
  'etc/ssl/certs/ drwxr-xr-x 0/0',
  'etc/ssl/certs/ca-certificates.crt -rw-r--r-- 0/0',
  'tmp/ drwxrwxrwt 0/0',
];
/** Where this machine keeps the authorities that it trusts; a mirror of the npm registry may be signed by one of them. */
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';

/** The registry answers, and the way to it is the public one or npm's own configuration. */
const withoutRegistry = !(await fetch('https://registry.npmjs.org/-/ping', { signal: AbortSignal.timeout(5000) }).then(
  ({ ok }) => ok,
  () => false,
));

describe.skipIf(withoutEngine || withoutBases)(
  'Dockerfiles of the world build, load and run (needs root, dockerd and Debian’s apt)',
  () => {
    let builder: Tsbuild;
    let bases: Map<string, string>;
    const containers: string[] = [];

    beforeAll(async () => {
      const names = 'nginx,golang,temurin,java-base,php,ruby,node22,nodejs-distroless';
      const made = await output(process.execPath, [join(PROJECT, 'fixtures/bases/make.mjs'), '--only', names], {
        timeout: 900_000,
      });
      bases = new Map(
        made
          .trim()
          .split('\n')
          .map((line) => line.split('\t') as [string, string]),
      );
      builder = await tsbuild({ bases: false });
    }, 900_000);

    afterAll(async () => {
      if (containers.length > 0) await docker().run(['rm', '-f', ...containers]);
    });

    const image = (name: string): string => `real-${name}-${process.pid}`;

    /** Builds a fixture on the bases that it names and loads it into the engine. */
    async function buildAndLoad(name: string, needed: readonly string[], args: readonly string[] = []): Promise<void> {
      for (const base of needed) await builder.output(['load', '-i', bases.get(base) ?? base]);
      const archive = join(await scratch(), 'image.tar');
      const context = join(PROJECT, 'fixtures/real-world', name);
      await builder.build(context, ['-t', image(name), '-o', archive, ...args], { timeout: 300_000 });
      await docker().output(['load', '-i', archive]);
      const again = await builder.build(context, ['-t', image(name), ...args]);
      expect(new Set(again.steps.values()), 'nothing changed, so every step is cached').toEqual(new Set(['CACHED']));
    }

    /** Starts the image; nothing of the machine's network is there, only the container's own loopback. */
    async function start(name: string, ...options: string[]): Promise<string> {
      const container = image(name);
      containers.push(container);
      await docker().output(['run', '-d', '--name', container, '--network', 'none', ...options, image(name)]);
      return container;
    }

    /** What the program prints inside the container, as soon as it succeeds. */
    async function execWhenUp(container: string, ...command: string[]): Promise<string> {
      const deadline = Date.now() + 30_000;
      for (;;) {
        const { exitCode, stdout, stderr } = await docker().run(['exec', container, ...command]);
        if (exitCode === 0) return stdout;
        if (Date.now() > deadline) {
          const logs = await docker().run(['logs', container]);
          throw new Error(`${command.join(' ')}: exit code ${exitCode}\n${stderr}\n${logs.stdout}${logs.stderr}`);
        }
        await sleep(100);
      }
    }

    it('nginx-static: a site that node built is served by nginx', async () => {
      await buildAndLoad('nginx-static', ['node22', 'nginx'], ['--build-arg', 'BASE_URL=/docs/']);
      const container = await start('nginx-static');
      const page = await execWhenUp(container, 'wget', '-qO-', 'http://127.0.0.1:8080/');
      expect(page).toContain('<p>Read this first.</p><base href="/docs/">');
      const headers = await execWhenUp(container, 'wget', '-SO-', 'http://127.0.0.1:8080/assets/style.css');
      expect(headers).toContain('font-family: serif');
      const owner = ['stat', '-c', '%U %a', '/usr/share/nginx/html/assets', '/usr/share/nginx/html/index.html'];
      expect(await execWhenUp(container, ...owner)).toBe('nginx 755\nnginx 644\n');
    });

    it('go-scratch: one static program, its user, and nothing else', async () => {
      await buildAndLoad('go-scratch', ['golang'], ['--build-arg', 'VERSION=1.2.3']);
      const container = await start('go-scratch');
      expect(await execWhenUp(container, '/clock', '-check')).toMatch(/^\d\d:\d\d \(clock 1\.2\.3\)\n$/);
      const { Config } = (await dockerInspect(image('go-scratch'))) as { Config: Record<string, unknown> };
      expect(Config).toMatchObject({ User: '65532:65532', Entrypoint: ['/clock'], ExposedPorts: { '8080/tcp': {} } });
      const tree = (await dockerTree(image('go-scratch'))).filter((line) => !/^(?:dev|proc|sys)\//.test(line));
      expect(tree.map((line) => line.replace(/ \d+$/, ''))).toEqual(TREE);
    });

    it('java-jlink: a runtime of four modules', async () => {
      await buildAndLoad('java-jlink', ['temurin', 'java-base']);
      const said = await docker().output(['run', '--rm', '--network', 'none', image('java-jlink'), '--once']);
      expect(said).toMatch(/^Simplicity is hard\. Java 17, [2-9] modules\n$/);
      const container = await start('java-jlink');
      expect(await execWhenUp(container, 'wget', '-qO-', 'http://127.0.0.1:8080/')).toMatch(/^Simplicity/);
    });

    it('php-fpm: answers FastCGI with classes that composer found', async () => {
      await buildAndLoad('php-fpm', ['php']);
      const container = await start('php-fpm');
      expect(await execWhenUp(container, 'php-fpm', '-t')).toBe('');
      const script = await readFile(join(PROJECT, 'test/support/ask-fpm.php'), 'utf8');
      const page = await execWhenUp(container, 'php', '-r', script.replace('<?php', ''));
      expect(page).toContain('buy milk from PHP 8, opcache on');
      expect((await dockerInspect(image('php-fpm')))['Config']).toMatchObject({
        User: 'www-data',
        Volumes: { '/var/www/html/storage': {} },
      });
    });

    it('ruby: gems of a lock file, as an ordinary user', async () => {
      await buildAndLoad('ruby', ['ruby']);
      const container = await start('ruby');
      expect(await execWhenUp(container, 'wget', '-qO-', 'http://127.0.0.1:9292/cat')).toBe('hat, says 1000\n');
    });

    it('nodejs-distroless: no shell, no tests, workspaces linked', async () => {
      await buildAndLoad('nodejs-distroless', ['node22', 'nodejs-distroless']);
      const container = await start('nodejs-distroless');
      const ask = 'const r = await fetch("http://127.0.0.1:8080/hello"); process.stdout.write(await r.text())';
      const node = ['/nodejs/bin/node', '--input-type=module', '-e', ask];
      expect(await execWhenUp(container, ...node)).toBe('echo: hello\n');
      expect((await docker().run(['exec', container, 'sh', '-c', 'true'])).exitCode).not.toBe(0);
      const list = 'process.stdout.write(fs.readdirSync("/app/packages/format").sort().join())';
      expect(await execWhenUp(container, '/nodejs/bin/node', '-e', list)).toBe('index.js,package.json');
    });

    it.skipIf(withoutRegistry)(
      'nestjs-pnpm: packages through cache mounts and a mirror’s secrets (needs the npm registry)',
      async () => {
        const folder = await scratch();
        const npmrc = join(folder, 'npmrc');
        await writeFile(npmrc, `cafile=${AUTHORITIES}\n`);
        const secrets = ['--secret', `id=npmrc,src=${npmrc}`];
        if (existsSync(AUTHORITIES)) secrets.push('--secret', `id=ca,src=${AUTHORITIES}`);
        await buildAndLoad('nestjs-pnpm', ['node22'], secrets);
        const container = await start('nestjs-pnpm');
        expect(await execWhenUp(container, 'wget', '-qO-', 'http://127.0.0.1:3000/health')).toBe('{"status":"ok"}');
        const modules = await execWhenUp(container, 'ls', 'node_modules/@nestjs');
        expect(modules).toBe('common\ncore\nplatform-express\n');
        expect((await docker().run(['exec', container, 'ls', '/pnpm/store'])).exitCode).not.toBe(0);
      },
      400_000,
    );

    it('covers every fixture, or says why not', async () => {
      const built = ['nginx-static', 'go-scratch', 'java-jlink', 'php-fpm', 'ruby', 'nodejs-distroless', 'nestjs-pnpm'];
      const notBuilt = {
        'nextjs-standalone': 'next and its compiler come from the npm registry alone, 300 MB of them',
        'python-uv': 'uv and PyPI',
        'rust-cargo-chef': 'cargo-chef and crates.io',
      };
      const fixtures = await readdir(join(PROJECT, 'fixtures/real-world'));
      expect(fixtures.toSorted()).toEqual([...built, ...Object.keys(notBuilt)].toSorted());
    });
  },
  300_000,
);
