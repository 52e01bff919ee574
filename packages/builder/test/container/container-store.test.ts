import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identify } from '@tsbuild/oci/internal';
import { Container } from '../../src/container-state/container.ts';
import type { ContainerDescription } from '../../src/container-state/container-config.ts';
import { ContainerStore } from '../../src/container-state/container-store.ts';
import { renameContainer } from '../../src/container/rename.ts';

let root: string;
let store: ContainerStore;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsbuild-containers-'));
  store = new ContainerStore(root);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function make(name?: string): Promise<Container> {
  const { id, directory, name: given } = store.reserve(name);
  const config: ContainerDescription = {
    version: 1,
    id,
    name: given,
    created: new Date().toISOString(),
    image: {
      id: `sha256:${'0'.repeat(64)}`,
      manifest: `sha256:${'1'.repeat(64)}`,
      name: 'image',
      layers: [],
      platform: 'linux/amd64',
    },
    config: {},
    argv: ['true'],
    openStdin: false,
    terminal: false,
    hostname: '',
    network: 'host',
    ports: [],
    mounts: [],
    readOnly: false,
    isolation: 'auto',
    autoRemove: false,
  };
  return Container.write(directory, config);
}

describe('ContainerStore', () => {
  it('finds by name, ID and the beginning of an ID', async () => {
    const { id } = await make('web');
    for (const word of ['web', '/web', id, id.slice(0, 5)]) expect(store.find(word).id).toBe(id);
    expect(() => store.find('other')).toThrow('No such container: other');
    expect(store.list().map(({ name }) => name)).toEqual(['web']);
  });

  it('gives a name once, and again when its container is gone', async () => {
    const first = await make('web');
    await expect(make('web')).rejects.toMatchObject({ code: 'CONTAINER_NAME_TAKEN' });
    await store.remove(first);
    expect((await make('web')).id).not.toBe(first.id);
  });

  it('takes a name from nobody: what is left of a killed process gives way', async () => {
    const { id, directory } = store.reserve('web');
    rmSync(directory, { recursive: true });
    expect((await make('web')).id).not.toBe(id);
  });

  it('finds names for those without, and refuses bad ones', async () => {
    expect((await make()).name).toMatch(/^[a-z]+_[a-z]+$/);
    for (const bad of ['', 'a', '-a', 'a b', '../x'])
      await expect(make(bad)).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  });

  it('renames', async () => {
    const container = await make('web');
    await make('other');
    await renameContainer(container, 'app', root);
    expect(store.find('app').id).toBe(container.id);
    expect(() => store.find('web')).toThrow('No such container');
    await expect(renameContainer(container, 'other', root)).rejects.toMatchObject({ code: 'CONTAINER_NAME_TAKEN' });
    expect(store.find('app').name).toBe('app');
  });

  it('knows no container that is half made', async () => {
    const { directory, id } = store.reserve('half');
    mkdirSync(join(directory, 'upper'));
    expect(store.list()).toEqual([]);
    expect(() => store.find(id)).toThrow('No such container');
  });
});

describe('the state of a container', () => {
  it('is what its monitor said, as long as that runs', async () => {
    const container = await make();
    expect(container.state().status).toBe('created');
    const monitor = identify(process.pid);
    const running = { status: 'running', exitCode: 0, startedAt: '', finishedAt: '', error: '' } as const;
    await container.setState({ ...running, ...(monitor && { monitor }) });
    expect(container.state().status).toBe('running');
    expect(container.isRunning).toBe(true);
  });

  it.each([
    ['gone', { start: '1' }, 137],
    ['of before a restart of the machine', { boot: 'another' }, 255],
  ])('is exited when the monitor is %s', async (_, change, exitCode) => {
    const container = await make();
    const monitor = { ...identify(process.pid), ...change };
    writeFileSync(
      container.statePath,
      JSON.stringify({ status: 'running', exitCode: 0, startedAt: '', finishedAt: '', error: '', monitor }),
    );
    expect(container.state()).toMatchObject({ status: 'exited', exitCode });
  });
});
