import { describe, expect, it } from 'vitest';
import { engineEndpoint } from '../../src/export/engine/endpoint.ts';

describe('where the engine is', () => {
  it.each([
    [{ DOCKER_HOST: 'unix:///run/x.sock' }, { socketPath: '/run/x.sock' }],
    [{ DOCKER_HOST: 'tcp://10.0.0.1' }, { host: '10.0.0.1', port: 2375 }],
    [{ DOCKER_HOST: 'tcp://[::1]:99' }, { host: '::1', port: 99 }],
    [{ DOCKER_HOST: 'tcp://host:2376', DOCKER_TLS_VERIFY: '1' }, undefined],
    [{ DOCKER_HOST: 'ssh://me@host' }, undefined],
    [{ HOME: '/nonexistent' }, { socketPath: '/var/run/docker.sock' }],
    [{ HOME: '/nonexistent', DOCKER_CONTEXT: 'default' }, { socketPath: '/var/run/docker.sock' }],
    [{ HOME: '/nonexistent', DOCKER_CONTEXT: 'other' }, undefined],
  ])('%j: %j', (env, endpoint) => {
    expect(engineEndpoint(env)).toEqual(endpoint);
  });
});
