import { expect, it } from 'vitest';
import { registryOfServer, shownServer } from '../src/registry/registry-name.ts';

it.each([
  [undefined, 'docker.io'],
  ['', 'docker.io'],
  ['docker.io', 'docker.io'],
  ['https://index.docker.io/v1/', 'docker.io'],
  ['registry-1.docker.io', 'docker.io'],
  ['ghcr.io', 'ghcr.io'],
  ['https://ghcr.io/v2/', 'ghcr.io'],
  ['localhost:5000', 'localhost:5000'],
  ['[::1]:5000', '[::1]:5000'],
  ['user@host', undefined],
  ['a b', undefined],
  ['https://', undefined],
])('the server %j is the registry %j', (server, registry) => {
  expect(registryOfServer(server)).toBe(registry);
});

it("shows docker's own registry by its URL", () => {
  expect(shownServer('docker.io')).toBe('https://index.docker.io/v1/');
  expect(shownServer('ghcr.io')).toBe('ghcr.io');
});
