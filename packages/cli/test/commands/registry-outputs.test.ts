import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  makeCertificates,
  NO_REGISTRY,
  SKIP_REGISTRY,
  startDockerRegistry,
} from '../../../oci/testing/docker-registry.ts';
import { temporaryDirectory, tsbuild } from '../testing-host.ts';

async function project() {
  const [root, cwd] = [await temporaryDirectory(), await temporaryDirectory()];
  await writeFile(join(cwd, 'Dockerfile'), 'FROM scratch\nENV A=1\n');
  return { cwd, build: (...argv: readonly string[]) => tsbuild(['build', ...argv, '.'], { root, cwd }) };
}

// An ordinary user's build starts the program again in a user namespace, which a test in this process cannot.
describe.skipIf(SKIP_REGISTRY || process.geteuid?.() !== 0)(`keys of -o (needs root)${NO_REGISTRY}`, () => {
  it('push-by-digest=true gives the registry a manifest, and no tag', async () => {
    const registry = await startDockerRegistry();
    try {
      const { cwd, build } = await project();
      const name = `${registry.host}/untagged`;
      const output = `type=image,name=${name},push-by-digest=true,name-canonical=true,push=true`;
      const outcome = await build('-o', output, '--metadata-file', 'm.json', '--progress=json');
      expect(outcome).toMatchObject({ code: 0 });
      const digest = JSON.parse(await readFile(join(cwd, 'm.json'), 'utf8'))['containerimage.digest'];
      expect(outcome.stderr).toContain(`"reference":"${name}@${digest}"`);
      const to = await temporaryDirectory();
      expect((await tsbuild(['pull', `${name}@${digest}`], { root: to })).code).toBe(0);
      expect((await tsbuild(['pull', name], { root: to })).code).toBe(1);
    } finally {
      await registry.stop();
    }
  });

  it('registry.insecure=true believes a certificate that nobody knows', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tsbuild-cli-test-'));
    const registry = await startDockerRegistry({ tls: makeCertificates(directory) });
    try {
      const { build } = await project();
      const output = `type=registry,name=${registry.host}/app`;
      expect((await build('-o', output)).code).toBe(1);
      expect((await build('-o', `${output},registry.insecure=true`)).code).toBe(0);
    } finally {
      await registry.stop();
      await rm(directory, { recursive: true });
    }
  });
});
