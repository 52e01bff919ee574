import { basename, isAbsolute, relative, resolve } from 'node:path';
import { assembleImage, decodeImageConfig, type Reference } from '@tsbuild/oci';
import { attest, type PlatformAttestation } from '../attestation/attest.ts';
import type { AttestationOptions } from '../attestation/attestation-options.ts';
import type { AttestedImage, BuildRequest } from '../attestation/attested-build.ts';
import { withoutCredentials } from '../ops/add/git-reference.ts';
import type { LayerOutput, Rootfs } from '../ops/rootfs.ts';
import type { BuildPlan } from '../plan/platforms/build-plan.ts';
import type { ProgressReporter } from '../progress/reporter.ts';
import type { Verification } from '../progress/verification.ts';
import type { Solution } from '../solver/solver.ts';
import type { BuildOptions } from './build-options.ts';
import type { BuildSession } from './build-session.ts';
import type { SolvedImage } from './solved-image.ts';
import { verifyBuild } from './verify-build.ts';

/** A plan whose steps are done, before its images are stored. */
export interface SolvedPlan {
  readonly plan: BuildPlan;
  readonly solution: Solution<Rootfs, LayerOutput>;
  readonly solved: readonly SolvedImage[];
  readonly names: readonly Reference[];
}

/** What is said of a build's images. */
export interface AttestedImages {
  /** Each platform's. */
  readonly attestations: readonly PlatformAttestation[];
  /** Of a build with `verify`: a statement says how it ended, so that it must end before. */
  readonly verifications?: readonly Verification[];
}

/** Makes the attestations that the options ask for. @throws BuildError of a second build, OciError of reading layers */
export async function attestImages(
  { plan, solution, solved, names }: SolvedPlan,
  options: AttestationOptions,
  session: BuildSession,
  progress: ProgressReporter,
): Promise<AttestedImages> {
  const images = solved.map(({ content }): AttestedImage => {
    const { manifestDescriptor: manifest, configDescriptor } = assembleImage(content);
    return { manifest, id: configDescriptor.digest, config: decodeImageConfig(content.config) };
  });
  const first = { plan, results: solution.results, images };
  const verifications = session.options.verify === true ? await verifyBuild(first, session, progress) : undefined;
  // Packages are read from layers, also from those that could have stayed in a shared cache.
  if (options.sbom === true) for (const { content } of solved) await session.layers.ensure(content.layers);
  const attestations = await attest({
    options,
    request: requestOf(session),
    plan,
    results: solution.results,
    materials: session.materials.list(),
    images,
    names,
    reproduced: plan.platforms.map((_, i) => verifications?.[i]?.same === true),
    store: session.store,
    signal: session.signal,
  });
  return { attestations, ...(verifications !== undefined && { verifications }) };
}

function requestOf({ options, file }: BuildSession): BuildRequest {
  const { context, target, epoch, network, environment, labels } = options;
  const buildArgs = [...options.buildArgs].flatMap(([name, given]): readonly (readonly [string, string])[] => {
    const value = given ?? environment[name];
    return value === undefined ? [] : [[name, value]];
  });
  const contexts = [...(options.contexts ?? [])].map(([name, source]) => [name, shownSource(source)] as const);
  return {
    dockerfile: { path: dockerfilePath(options, file.name), text: file.text },
    context: typeof context === 'string' ? 'local' : context.kind === 'url' ? plainUrl(context.url) : 'stream',
    ...(target !== undefined && { target }),
    buildArgs: new Map(buildArgs),
    labels,
    secrets: [...(options.secrets ?? new Map()).keys()],
    ssh: [...(options.agents ?? new Map()).keys()],
    contexts: new Map(contexts.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    network,
    ...(epoch !== undefined && { epoch }),
  };
}

/** As seen from the context, where it lies in it; of others the name alone: where they lie is this machine's business. */
function dockerfilePath({ context, dockerfile }: BuildOptions, name: string): string {
  if (dockerfile === undefined) return isAbsolute(name) ? basename(name) : name;
  if (/^https?:\/\//i.test(dockerfile)) return plainUrl(dockerfile);
  if (typeof context !== 'string') return dockerfile;
  const path = relative(resolve(context), resolve(dockerfile));
  return path.startsWith('..') || isAbsolute(path) ? basename(dockerfile) : path;
}

function shownSource(source: string): string {
  if (source.startsWith('/')) return 'local';
  return source.startsWith('oci-layout:') ? 'oci-layout' : plainUrl(source);
}

/** Without user, password and query, which may be a signature. */
function plainUrl(url: string): string {
  return withoutCredentials(url).replace(/\?[^#]*/s, '');
}
