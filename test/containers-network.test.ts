import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { without, withoutRoot } from './support/lab.ts';
import { leftoversAfterDeath } from './support/leftovers.ts';
import { output } from './support/process.ts';
import { testUser } from './support/test-user.ts';
import { contextOf, tsbuild } from './support/tsbuild.ts';

const NETWORK_TOOLS = ['pasta', 'slirp4netns'].filter((name) => !without(name));

describe.skipIf(withoutRoot || NETWORK_TOOLS.length === 0)(
  'a server with a port (needs root, and pasta or slirp4netns)',
  () => {
    it.each(['root', 'an ordinary user'])('run -d -p, ps, curl, logs, exec, stop, rm as %s', async (who) => {
      // Debian gives users this device; a machine that keeps it for root has no user-mode networks.
      if (who !== 'root') await output('chmod', ['0666', '/dev/net/tun']);
      const builder = await tsbuild(who === 'root' ? {} : { user: await testUser() });
      const folder = await contextOf({ 'index.html': 'hello from the machine\n' });
      const Dockerfile =
        'FROM busybox\nEXPOSE 80\nCMD ["sh", "-c", "echo serving $GREETING; exec httpd -f -v -p 80 -h /www"]\n';
      await builder.build(await contextOf({ Dockerfile }), ['-t', 'my-app']);
      const port = 20_000 + (process.pid % 20_000) + (who === 'root' ? 0 : 1);
      const args = [
        '-d',
        '-p',
        `${port}:80`,
        '-e',
        'GREETING=hello',
        '-v',
        `${folder}:/www:ro`,
        '--name',
        'web',
        'my-app',
      ];
      expect(await builder.output(['run', ...args])).toMatch(/^[0-9a-f]{64}\n$/);
      expect(await builder.output(['ps', '--format', '{{.Names}} {{.Ports}}'])).toBe(`web 0.0.0.0:${port}->80/tcp\n`);
      expect(await get(port)).toBe('hello from the machine\n');
      const logs = builder.output(['logs', '-f', 'web']);
      expect(await builder.output(['exec', 'web', 'sh', '-c', 'echo $GREETING; ls /www'])).toBe('hello\nindex.html\n');
      await builder.output(['stop', '-t', '1', 'web']);
      expect(await logs).toContain('serving hello\n');
      expect(await builder.output(['ps', '-q'])).toBe('');
      expect(await builder.output(['ps', '-a', '--format', '{{.Names}} {{.State}}'])).toBe('web exited\n');
      await builder.output(['rm', 'web']);
      expect(await builder.output(['ps', '-aq'])).toBe('');
      expect(await leftoversAfterDeath(builder.store)).toEqual([]);
    });
  },
);

/** What a server answers; it may need a moment to come up. */
async function get(port: number): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await new Promise<string>((resolve, reject) => {
        request({ host: '127.0.0.1', port, path: '/' }, (response) => {
          let body = '';
          response.on('data', (chunk: Buffer) => (body += chunk.toString())).once('end', () => resolve(body));
        })
          .once('error', reject)
          .end();
      });
    } catch (error) {
      if (attempt > 50) throw error;
      await sleep(100);
    }
  }
}
