import type { Descriptor } from '../descriptor.ts';
import type { Digest } from '../digest.ts';
import type { Reference } from '../reference.ts';
import type { RegistryOptions } from './options.ts';

/** A client of OCI distribution 1.1. */
export class RegistryClient {
  constructor(_options: RegistryOptions = {}) {}

  resolve(_reference: Reference, _signal?: AbortSignal): Promise<Descriptor> {
    throw new Error('not written yet');
  }

  manifest(_reference: Reference, _signal?: AbortSignal): Promise<{ descriptor: Descriptor; bytes: Uint8Array }> {
    throw new Error('not written yet');
  }

  blob(_reference: Reference, _descriptor: Descriptor, _signal?: AbortSignal): AsyncIterable<Uint8Array> {
    throw new Error('not written yet');
  }

  hasBlob(_reference: Reference, _digest: Digest, _signal?: AbortSignal): Promise<boolean> {
    throw new Error('not written yet');
  }

  pushBlob(
    _reference: Reference,
    _descriptor: Descriptor,
    _open: () => AsyncIterable<Uint8Array>,
    _options: { readonly mountFrom?: string; readonly chunkBytes?: number; readonly signal?: AbortSignal } = {},
  ): Promise<'exists' | 'mounted' | 'uploaded'> {
    throw new Error('not written yet');
  }

  pushManifest(_reference: Reference, _descriptor: Descriptor, _bytes: Uint8Array, _signal?: AbortSignal): Promise<void> {
    throw new Error('not written yet');
  }

  tags(_reference: Reference, _signal?: AbortSignal): AsyncIterable<string> {
    throw new Error('not written yet');
  }

  referrers(_reference: Reference, _artifactType?: string, _signal?: AbortSignal): Promise<readonly Descriptor[]> {
    throw new Error('not written yet');
  }

  delete(_reference: Reference, _signal?: AbortSignal): Promise<void> {
    throw new Error('not written yet');
  }

  /** Asks whether the registry takes our credentials; what `login` does before it saves them. @throws OciError `REGISTRY_DENIED` */
  checkAccess(_registry: string, _signal?: AbortSignal): Promise<void> {
    throw new Error('not written yet');
  }

  close(): void {}
}
