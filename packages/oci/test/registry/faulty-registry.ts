import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { startDockerRegistry } from '../../testing/docker-registry.ts';
import type { DockerRegistry } from '../../testing/docker-registry.ts';
import { FaultProxy } from '../../testing/fault-proxy.ts';
import type { Fault, FaultRule } from '../../testing/fault-proxy.ts';
import { MediaType } from '../../src/spec/media-type.ts';
import { parseReference } from '../../src/spec/reference.ts';
import type { Reference } from '../../src/spec/reference.ts';
import { RegistryClient } from '../../src/registry/client.ts';
import type { RegistryOptions } from '../../src/registry/options.ts';
import { describeBytes, makeManifest, quietOptions, someBytes, sourceOf, TestClock } from './content.ts';

/** The size of the one layer. */
export const SIZE = 200_000;

export const blob: Buffer = someBytes(SIZE);
export const descriptor = describeBytes(blob);
const empty = Buffer.from('{}');
export const manifest: Buffer = makeManifest(describeBytes(empty, MediaType.ociConfig), [descriptor]);
export const manifestDescriptor = describeBytes(manifest, MediaType.ociManifest);

/** A registry that has `app:1`, behind a proxy that makes faults; a new client, clock and script for each test. */
export class FaultyRegistry {
  clock = new TestClock();
  client: RegistryClient = this.#makeClient({});
  #servers: { readonly registry: DockerRegistry; readonly proxy: FaultProxy } | undefined;

  constructor() {
    beforeAll(async () => {
      const registry = await startDockerRegistry();
      this.#servers = { registry, proxy: await FaultProxy.start(registry.host) };
      const setUp = new RegistryClient(quietOptions());
      await setUp.pushBlob(this.app, descriptor, sourceOf(blob));
      await setUp.pushBlob(this.app, describeBytes(empty), sourceOf(empty));
      await setUp.pushManifest(this.app, manifestDescriptor, manifest);
      setUp.close();
    });
    afterAll(async () => {
      await this.proxy.close();
      await this.registry.stop();
    });
    beforeEach(() => {
      this.clock = new TestClock();
      this.client = this.#makeClient({});
      this.proxy.script();
    });
    afterEach(() => this.client.close());
  }

  get registry(): DockerRegistry {
    return this.#started().registry;
  }

  get proxy(): FaultProxy {
    return this.#started().proxy;
  }

  /** `app:1` by way of the proxy. */
  get app(): Reference {
    return parseReference(`${this.proxy.host}/app:1`);
  }

  #started(): { readonly registry: DockerRegistry; readonly proxy: FaultProxy } {
    if (this.#servers === undefined) throw new Error('the servers run during tests only');
    return this.#servers;
  }

  #makeClient(options: RegistryOptions): RegistryClient {
    return new RegistryClient(quietOptions({ clock: this.clock, ...options }));
  }

  /** Puts a client with other options in the place of the usual one. */
  use(options: RegistryOptions): void {
    this.client.close();
    this.client = this.#makeClient(options);
  }

  /** The Range headers of the requests for the blob; '' for none. */
  blobRequests(): string[] {
    const gets = this.proxy.seen.filter(({ method, url }) => method === 'GET' && url.includes('/blobs/'));
    return gets.map(({ headers }) => headers.range ?? '');
  }
}

/** A rule for requests of a blob. */
export function onBlob(fault: Fault, rule: Partial<FaultRule> = {}): FaultRule {
  return { method: 'GET', path: /\/blobs\/sha256/, fault, ...rule };
}
