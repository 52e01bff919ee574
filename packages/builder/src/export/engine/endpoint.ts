import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '@tsbuild/oci/node';
import { fieldOf, textOf } from './json-field.ts';

/** Where an engine listens, for `http.request`. */
export type EngineEndpoint = { readonly socketPath: string } | { readonly host: string; readonly port: number };

const DEFAULT_SOCKET = 'unix:///var/run/docker.sock';

/**
 * Where the docker command would find its engine: DOCKER_HOST, else the context that DOCKER_CONTEXT or the configuration
 * names, else the usual socket. Undefined for what only the docker command itself can reach (ssh, TLS, plugins).
 */
export function engineEndpoint(env: Environment): EngineEndpoint | undefined {
  const address = env['DOCKER_HOST'] || contextAddress(env) || undefined;
  if (address?.startsWith('unix:///')) return { socketPath: address.slice('unix://'.length) };
  const tcp = /^tcp:\/\/([^:/[\]]+|\[[\da-fA-F:]+\])(?::(\d{1,5}))?\/?$/.exec(address ?? '');
  if (tcp === null || env['DOCKER_TLS_VERIFY'] || env['DOCKER_TLS']) return undefined;
  return { host: (tcp[1] ?? '').replace(/^\[|\]$/g, ''), port: Number(tcp[2] ?? 2375) };
}

/** The address of the chosen context; undefined when it cannot be told, or needs more than an address. */
function contextAddress(env: Environment): string | undefined {
  const directory = env['DOCKER_CONFIG'] || join(env['HOME'] || homedir(), '.docker');
  const chosen = env['DOCKER_CONTEXT'] || textOf(readJson(join(directory, 'config.json')), 'currentContext');
  if (chosen === undefined || chosen === '' || chosen === 'default') return DEFAULT_SOCKET;
  const id = createHash('sha256').update(chosen).digest('hex');
  const endpoint = fieldOf(fieldOf(readJson(join(directory, 'contexts/meta', id, 'meta.json')), 'Endpoints'), 'docker');
  return textOf(endpoint, 'Host');
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
