import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { blobContent, indexAttestations, type InTotoStatement, isAttestation, readBlob } from '@tsbuild/oci';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AttestationOptions } from '../../src/attestation/attestation-options.ts';
import type { BuildOptions } from '../../src/build/build-options.ts';
import { type BenchBuild, BuildBench } from '../../testing/build-bench.ts';

const MAX: AttestationOptions = { provenance: { mode: 'max' }, sbom: true };
const DOCKERFILE = `FROM scratch AS build
ARG API_TOKEN
ARG VERSION=1
LABEL version=$VERSION
WORKDIR /tmp/$API_TOKEN
COPY package.json /app/node_modules/left/
FROM scratch
COPY --from=build /app /app
`;

interface Provenance {
  readonly buildDefinition: {
    readonly externalParameters: Record<string, unknown>;
    readonly internalParameters: { readonly steps?: readonly Record<string, unknown>[] };
    readonly resolvedDependencies: readonly Record<string, unknown>[];
  };
  readonly runDetails: { readonly metadata: Record<string, unknown>; readonly builder: Record<string, unknown> };
}

describe('the attestations of a build', () => {
  let bench: BuildBench;
  let context: string;
  beforeAll(async () => {
    bench = await BuildBench.make();
    context = bench.files('app', { 'package.json': '{"name":"left","version":"1.0.0"}', unread: '1' });
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  const build = (attestations?: AttestationOptions, options: Partial<BuildOptions> = {}): Promise<BenchBuild> =>
    bench.build(DOCKERFILE, { context, tags: ['app:1'], ...options, ...(attestations && { attestations }) });
  const statementsOf = ({ platforms }: BenchBuild, i = 0): readonly InTotoStatement[] => platforms[i]?.statements ?? [];
  const provenanceOf = (built: BenchBuild): Provenance =>
    statementsOf(built).find(({ predicateType }) => predicateType === 'https://slsa.dev/provenance/v1')
      ?.predicate as unknown as Provenance;
  const rootOf = ({ image }: BenchBuild): string | undefined => image.index?.descriptor.digest;

  it('are an index beside an image that is the same as without', async () => {
    const plain = await build();
    const attested = await build(MAX);
    expect(plain.image.index).toBeUndefined();
    expect(statementsOf(plain)).toEqual([]);
    expect(attested.image.manifest.digest).toBe(plain.image.manifest.digest);
    const stored = await bench.store.layout.index(attested.image);
    expect(stored?.index.manifests.map(isAttestation)).toEqual([false, true]);
    expect(stored?.images.map(({ id }) => id)).toEqual([plain.image.id]);
    const again = await build();
    expect([again.image.index, again.image.manifest.digest]).toEqual([undefined, plain.image.manifest.digest]);
  });

  it('are the same bytes when every step is cached, and read back from the store', async () => {
    const first = await build(MAX, { noCache: true });
    const again = await build(MAX);
    expect(first.steps.cached).toBe(0);
    expect(again.steps.cached).toBe(again.steps.total);
    expect(rootOf(again)).toBe(rootOf(first));
    const index = await bench.store.layout.index(again.image);
    const content = blobContent(bench.store.layout.blobs);
    const [found] = index === undefined ? [] : await indexAttestations({ index: index.index, content });
    expect(await Promise.all((found?.statements ?? []).map((file) => file.read()))).toEqual(statementsOf(again));
    expect(statementsOf(again).map(({ predicateType }) => predicateType)).toEqual([
      'https://spdx.dev/Document',
      'https://slsa.dev/provenance/v1',
    ]);
    const platform = again.platforms[0]?.platform ?? '';
    const name = `pkg:docker/app@1?platform=${encodeURIComponent(platform)}`;
    const digest = { sha256: again.image.manifest.digest.slice('sha256:'.length) };
    for (const { subject } of statementsOf(again)) expect(subject).toEqual([{ name, digest }]);
  });

  it('name each package with the instruction that brought it', async () => {
    const [spdx] = statementsOf(await build(MAX));
    const { packages = [] } = (spdx?.predicate ?? {}) as { packages?: readonly Record<string, unknown>[] };
    expect(packages.find(({ name }) => name === 'left')).toMatchObject({
      versionInfo: '1.0.0',
      comment: expect.stringMatching(/^layerID: sha256:/),
      annotations: [{ comment: expect.stringContaining('Dockerfile:6 COPY package.json') }],
    });
  });

  it('keep secrets to themselves', async () => {
    const buildArgs = new Map([
      ['API_TOKEN', 'hunter2-is-secret'],
      ['VERSION', '7'],
    ]);
    const built = await build(MAX, { buildArgs });
    const index = await bench.store.layout.index(built.image);
    const content = blobContent(bench.store.layout.blobs);
    const [found] = index === undefined ? [] : await indexAttestations({ index: index.index, content });
    for (const { digest, size } of found?.artifact.manifest.layers ?? []) {
      const text = Buffer.from(await readBlob(bench.store.layout.blobs, { digest, size })).toString();
      expect(text).not.toContain('hunter2');
    }
    const { externalParameters } = provenanceOf(built).buildDefinition;
    expect(externalParameters['buildArgs']).toEqual([
      { name: 'API_TOKEN', value: '***' },
      { name: 'VERSION', value: '7' },
    ]);
    expect(provenanceOf(built).runDetails.metadata['tsbuild_completeness']).toMatchObject({ request: false });
  });

  it('tell in the shorter form no values and no steps', async () => {
    const options = { buildArgs: new Map([['VERSION', '7']]), labels: new Map([['a', 'b']]) };
    const builderId = 'https://ci.example/jobs/1';
    const { buildDefinition, runDetails } = provenanceOf(
      await build({ provenance: { mode: 'min', builderId } }, options),
    );
    expect(buildDefinition.externalParameters).toMatchObject({
      buildArgs: [{ name: 'VERSION' }],
      labels: [{ name: 'a' }],
      dockerfile: { path: 'Dockerfile' },
      context: 'local',
    });
    expect(buildDefinition.internalParameters).toEqual({});
    expect(runDetails.builder['id']).toBe(builderId);
  });

  it('name the context by what was read of it', async () => {
    const contextIn = async (): Promise<unknown> => {
      const { resolvedDependencies } = provenanceOf(await build({ provenance: { mode: 'min' } })).buildDefinition;
      return resolvedDependencies.find(({ name }) => name === 'context')?.['digest'];
    };
    const before = await contextIn();
    expect(before).toEqual({ tsbuildListing: expect.stringMatching(/^[0-9a-f]{64}$/) });
    writeFileSync(join(context, 'unread'), '2');
    expect(await contextIn()).toEqual(before);
    writeFileSync(join(context, 'package.json'), '{"name":"left","version":"2.0.0"}');
    expect(await contextIn()).not.toEqual(before);
  });

  it('claim that a build can be repeated only after it was', async () => {
    const claim = async (options: Partial<BuildOptions>): Promise<unknown> =>
      provenanceOf(await build(MAX, { epoch: 1_700_000_000, ...options })).runDetails.metadata;
    expect(await claim({})).toMatchObject({
      tsbuild_reproducible: false,
      startedOn: '2023-11-14T22:13:20Z',
      finishedOn: '2023-11-14T22:13:20Z',
    });
    expect(await claim({ verify: true })).toMatchObject({ tsbuild_reproducible: true });
    const { verification, image } = await build(MAX, { epoch: 1_700_000_000, verify: true });
    expect(verification?.same).toBe(true);
    expect(image.index).toBeDefined();
  });

  it('are one for each platform, behind all images, in the form that is asked for', async () => {
    const platforms = ['linux/amd64', 'linux/arm64'];
    const built = await build({ ...MAX, form: 'image' }, { platforms });
    const stored = await bench.store.layout.index(built.image);
    expect(stored?.index.manifests.map(isAttestation)).toEqual([false, false, true, true]);
    const about = stored?.index.manifests.map((entry) => entry.annotations?.['vnd.docker.reference.digest']);
    expect(about).toEqual([undefined, undefined, ...built.platforms.map((of) => of.image.manifest.digest)]);
    expect(built.platforms.map((_, i) => statementsOf(built, i)[1]?.subject[0]?.name)).toEqual(
      platforms.map((name) => `pkg:docker/app@1?platform=${encodeURIComponent(name)}`),
    );
    expect(built.platforms.map(({ image }) => image.config.architecture)).toEqual(['amd64', 'arm64']);
  });
});
