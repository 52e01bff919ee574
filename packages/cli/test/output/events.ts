import type { PlannedStep, ProgressEvent } from '@tsbuild/builder';

const START = Date.UTC(2026, 0, 1);

/** Of any step. */
export const KEY = `sha256:${'1'.repeat(64)}` as const;

/** A moment of the recorded builds, milliseconds after their start. */
export function at(milliseconds: number): number {
  return START + milliseconds;
}

export const steps: readonly PlannedStep[] = [
  { id: 'a', stage: 'stage-0', index: 1, total: 3, name: 'WORKDIR /app' },
  { id: 'b', stage: 'stage-0', index: 2, total: 3, name: 'RUN npm install' },
  { id: 'c', stage: 'stage-0', index: 3, total: 3, name: 'RUN <<EOF\nmake\nEOF' },
];

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function output(id: string, text: string | Uint8Array, stream: 'stdout' | 'stderr' = 'stdout'): ProgressEvent {
  return { type: 'step-output', id, stream, chunk: typeof text === 'string' ? bytes(text) : text };
}

export const begin: readonly ProgressEvent[] = [
  { type: 'build-started', dockerfile: 'Dockerfile' },
  { type: 'plan-ready', steps },
];

export const built: ProgressEvent = {
  type: 'image-built',
  id: `sha256:${'0'.repeat(64)}`,
  names: ['my-app:latest'],
  size: 1234,
  milliseconds: 2500,
};

export function transfer(
  kind: 'download' | 'upload',
  id: string,
  transferred: number,
  total: number,
  done = false,
): Extract<ProgressEvent, { type: 'transfer' }> {
  return { type: 'transfer', kind, id, transferred, total, done };
}
