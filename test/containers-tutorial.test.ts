import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeAll } from './support/containers.ts';
import { docker, lab, without, withoutEngine, withoutRoot } from './support/lab.ts';
import { run } from './support/process.ts';
import { typeOnTerminal } from './support/terminal.ts';
import { type Tsbuild, tsbuild } from './support/tsbuild.ts';

const NO_MIRROR = process.env['CI'] !== 'true' && !(await reachesMirror());
const SKIP = lab.bases['debian'] === undefined || withoutRoot || without('python3') || NO_MIRROR;

/** The tutorial of docs/containers.md, typed as it stands there. */
describe.skipIf(SKIP)(
  'the tutorial (its Debian base is made on CI or when asked; needs root, python3 and a Debian mirror)',
  () => {
    let builder: Tsbuild;
    beforeAll(async () => {
      builder = await tsbuild({ bases: 'all' });
      await builder.output(['tag', 'debian:bookworm-slim', 'debian']);
    });

    afterAll(() => removeAll(builder));

    it('makes a base with node by hand', async () => {
      const typed = await typeOnTerminal(
        builder,
        ['run', '--name=base-container', '-ti', 'debian'],
        [
          ['# ', 'apt update && apt install -y nodejs; echo ended-$?\n'],
          ['ended-0', 'node -e "console.log(\'Hello\')"\n'],
          ['Hello\n'.trim(), 'exit\n'],
        ],
        280,
      );
      expect(typed, typed.stdout.slice(-2000)).toMatchObject({ exitCode: 0, stderr: '' });
      await builder.output(['container', 'commit', '-m', 'Add node', 'base-container', 'node-base']);
      const [top = '', ...below] = (await builder.output(['image', 'history', 'node-base']))
        .trim()
        .split('\n')
        .slice(1);
      expect(top).toMatch(/\d+(?:\.\d+)?MB\s+Add node$/);
      expect(below.length).toBeGreaterThan(0);
      expect(await builder.output(['run', '--rm', 'node-base', 'node', '-e', "console.log('Hello again')"])).toBe(
        'Hello again\n',
      );
      await builder.output(['rm', '-f', 'base-container']);
    }, 300_000);

    it('puts an application on it that greets', async () => {
      const typed = await typeOnTerminal(
        builder,
        ['run', '--name=app-container', '-ti', 'node-base'],
        [
          ['# ', 'echo \'console.log("Hello from an app")\' > app.js; node app.js; echo ended-$?\n'],
          ['ended-0', 'exit\n'],
        ],
      );
      expect(typed).toMatchObject({ exitCode: 0, stderr: '' });
      await builder.output([
        'container',
        'commit',
        '-c',
        'CMD node app.js',
        '-m',
        'Add app',
        'app-container',
        'sample-app',
      ]);
      expect(await builder.output(['run', '--rm', 'sample-app'])).toBe('Hello from an app\n');
      await builder.output(['rm', '-f', 'app-container']);
      expect(await builder.output(['ps', '-aq'])).toBe('');
    });

    it.skipIf(withoutEngine)('greets in Docker too, which shows both comments (needs dockerd)', async () => {
      await builder.output(['save', '-o', `${builder.store}.tar`, 'sample-app']);
      await docker().output(['load', '-i', `${builder.store}.tar`]);
      expect(await docker().output(['run', '--rm', '--network', 'none', 'sample-app'])).toBe('Hello from an app\n');
      const history = await docker().output(['history', '--format', '{{.Comment}}', 'sample-app']);
      expect(history.split('\n').slice(0, 2)).toEqual(['Add app', 'Add node']);
    });
  },
);

/** Whether the mirror that this machine, and the base that was made on it, gets its packages from answers. */
async function reachesMirror(): Promise<boolean> {
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(SITE)']);
  const site = stdout.split('\n').find((line) => /^https?:/.test(line));
  if (site === undefined) return false;
  return fetch(site, { method: 'HEAD', signal: AbortSignal.timeout(5000) }).then(
    () => true,
    () => false,
  );
}
