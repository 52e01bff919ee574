import { parsePlatform, sha256Digest } from '@tsbuild/oci';
import { describe, expect, it } from 'vitest';
import type { Material } from '../../src/attestation/material.ts';
import { resolvedDependencies } from '../../src/attestation/resolved-dependencies.ts';
import type { StepFacts } from '../../src/attestation/step-facts.ts';
import type { PlatformPlan } from '../../src/plan/platforms/build-plan.ts';

const digest = sha256Digest('x');
const sha256 = digest.slice('sha256:'.length);
const amd64 = 'linux/amd64';
const plan = { platform: parsePlatform(amd64), stages: [] } as unknown as PlatformPlan;
const image = (reference: string, platform = amd64): Material => ({ kind: 'image', reference, platform, digest });
const uriOf = (material: Material): unknown => resolvedDependencies([material], [], plan)[0];

describe('the dependencies of a provenance', () => {
  it.each([
    ['docker.io/library/alpine:3.20', 'pkg:docker/alpine@3.20?platform=linux%2Famd64'],
    ['docker.io/library/alpine:latest', 'pkg:docker/alpine@latest?platform=linux%2Famd64'],
    ['docker.io/me/app:1', 'pkg:docker/me/app@1?platform=linux%2Famd64'],
    ['ghcr.io/me/team/app:1', 'pkg:docker/ghcr.io/me/team/app@1?platform=linux%2Famd64'],
    [
      `docker.io/library/alpine:3.20@${digest}`,
      `pkg:docker/alpine@3.20?digest=sha256:${sha256}&platform=linux%2Famd64`,
    ],
    [`localhost:5000/a@${digest}`, `pkg:docker/localhost:5000/a?digest=sha256:${sha256}&platform=linux%2Famd64`],
    ['oci-layout:///home/me/secret/base:1', `pkg:oci/base@sha256%3A${sha256}?platform=linux%2Famd64`],
  ])('name the image %s as BuildKit does', (reference, uri) => {
    expect(uriOf(image(reference))).toEqual({ uri, digest: { sha256 } });
  });

  it('name commits, files of servers, and images of the store that have no name', () => {
    const commit = 'a'.repeat(40);
    const url = 'https://example.com/repo.git';
    expect(uriOf({ kind: 'git', url, ref: 'main', commit })).toEqual({ uri: `${url}#main`, digest: { sha1: commit } });
    expect(uriOf({ kind: 'git', url, commit: 'b'.repeat(64) })).toEqual({
      uri: url,
      digest: { sha256: 'b'.repeat(64) },
    });
    expect(uriOf({ kind: 'http', url, digest })).toEqual({ uri: url, digest: { sha256 } });
    expect(uriOf(image(sha256))).toEqual({ name: sha256, digest: { sha256 } });
  });

  it('are those of the platform alone, and of the contexts that steps read from', () => {
    const ids = ['1', '2'].map((text) => sha256Digest(text));
    const step = (name: string, id: (typeof ids)[number], context: string): StepFacts => ({
      id: name,
      line: 1,
      key: digest,
      output: digest,
      started: 0,
      finished: 0,
      preimage: { operation: 'copy', definition: {}, inputs: [{ name: 'files', id }] },
      contexts: new Map([['files', context]]),
    });
    const [one = digest, two = digest] = ids;
    const steps = [step('a', two, ''), step('b', one, ''), step('c', one, 'lib'), step('d', two, '')];
    const found = resolvedDependencies([image('docker.io/library/a:1', 'linux/arm64')], steps, plan);
    const listing = (...parts: readonly string[]): string =>
      sha256Digest(parts.map((part) => `${part}\n`).join('')).slice('sha256:'.length);
    expect(found).toEqual([
      { name: 'context', digest: { tsbuildListing: listing(...[one, two].toSorted()) } },
      { name: 'context:lib', digest: { tsbuildListing: listing(one) } },
    ]);
  });
});
