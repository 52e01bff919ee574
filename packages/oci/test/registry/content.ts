import { createHash } from 'node:crypto';
import type { Descriptor } from '../../src/spec/descriptor.ts';
import type { Clock, RegistryOptions } from '../../src/registry/options.ts';
import { MediaType } from '../../src/spec/media-type.ts';

/** Bytes that look random and are the same each time. */
export function someBytes(size: number, seed = 'seed'): Buffer {
  const out = Buffer.alloc(size);
  let block = Buffer.from(seed);
  for (let at = 0; at < size; at += block.length) {
    block = createHash('sha256').update(block).digest();
    block.copy(out, at);
  }
  return out;
}

export function describeBytes(bytes: Uint8Array, mediaType: string = MediaType.ociLayerGzip): Descriptor {
  return { mediaType, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, size: bytes.length };
}

/** A source that gives `bytes` in parts. */
export function sourceOf(bytes: Uint8Array, part = 50_000): () => AsyncIterable<Uint8Array> {
  return async function* source() {
    for (let at = 0; at < bytes.length; at += part) yield bytes.subarray(at, at + part);
  };
}

export async function readAll(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}

/** A manifest of one config and some layers. */
export function makeManifest(config: Descriptor, layers: readonly Descriptor[], extra: object = {}): Buffer {
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociManifest, config, layers, ...extra }));
}

/** The rejection of a promise, as an error with the fields of ours. */
export async function failure(
  work: Promise<unknown>,
): Promise<{ code?: string; message: string; fields?: Record<string, unknown> }> {
  try {
    await work;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not fail');
}

/** A clock that never waits, and keeps what it was asked to wait. */
export class TestClock implements Clock {
  readonly slept: number[] = [];
  time = Date.parse('2026-01-01T00:00:00Z');

  now(): number {
    return this.time;
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.slept.push(milliseconds);
    this.time += milliseconds;
  }

  random(): number {
    return 1; // the longest of the possible waits
  }
}

/** Options that keep tests quick and apart from this machine's settings. */
export function quietOptions(options: RegistryOptions = {}): RegistryOptions {
  return {
    environment: {},
    credentials: async () => undefined,
    clock: new TestClock(),
    idleMilliseconds: 5000,
    ...options,
  };
}
