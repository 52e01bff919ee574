import { canonicalJson, digestHex, formatPlatform, type JsonValue, rfc3339, sha256Digest } from '@tsbuild/oci';
import { BUILD_TYPE } from '../checkout/proven-build.ts';
import { fieldsOf } from '../disk/json-members.ts';
import type { PlatformPlan } from '../plan/platforms/build-plan.ts';
import type { ProvenanceOptions, ToolVersion } from './attestation-options.ts';
import type { AttestedBuild, BuildRequest } from './attested-build.ts';
import { claimsOf } from './claims.ts';
import { Masking } from './masking.ts';
import { contextName, resolvedDependencies } from './resolved-dependencies.ts';
import type { StepFacts } from './step-facts.ts';

export const PROVENANCE_TYPE = 'https://slsa.dev/provenance/v1';

/** Where nobody says who runs the build: a program on some machine, which is SLSA level 1 at best. */
const SOME_BUILDER = 'https://tsbuild.dev/builder/v1';

/** What a provenance is made of. */
export interface ProvenanceParts {
  readonly options: ProvenanceOptions;
  readonly tool: ToolVersion;
  readonly build: Pick<AttestedBuild, 'request' | 'materials'>;
  readonly plan: PlatformPlan;
  readonly steps: readonly StepFacts[];
  readonly isReproduced: boolean;
}

/**
 * SLSA's provenance of one platform's image. It depends on what was built and on the records of the steps alone: a build that is
 * cached gives the same bytes again.
 * @see https://slsa.dev/spec/v1.1/provenance
 */
export function provenance(parts: ProvenanceParts): JsonValue {
  const { options, tool, build, plan, steps } = parts;
  const { request, materials } = build;
  const isMax = options.mode === 'max';
  const masking = new Masking(
    [...request.buildArgs, ...request.labels, ...steps.flatMap(variablesOf)],
    plan.target.base?.config?.Env,
  );
  const buildDefinition = {
    buildType: BUILD_TYPE,
    externalParameters: externalParameters(request, plan, { masking, isMax }),
    internalParameters: isMax ? { steps: steps.map((step) => stepDocument(step, masking)) } : {},
    resolvedDependencies: resolvedDependencies(materials, steps, plan),
  };
  const { isComplete, isHermetic } = claimsOf(steps);
  return {
    buildDefinition,
    runDetails: {
      builder: { id: options.builderId ?? SOME_BUILDER, version: { [tool.name]: tool.version } },
      metadata: {
        invocationId: sha256Digest(canonicalJson(buildDefinition)),
        ...times(request, steps),
        tsbuild_completeness: { request: isMax && !hidesArguments(request, masking), resolvedDependencies: isComplete },
        tsbuild_hermetic: isHermetic,
        tsbuild_reproducible: parts.isReproduced,
      },
    },
  };
}

function externalParameters(
  request: BuildRequest,
  { platform }: PlatformPlan,
  { masking, isMax }: { readonly masking: Masking; readonly isMax: boolean },
): JsonValue {
  const { dockerfile, context, target, buildArgs, labels, secrets, ssh, contexts, network, epoch } = request;
  const named = (values: ReadonlyMap<string, string>): JsonValue[] =>
    [...values]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => ({ name, ...(isMax && { value: masking.value(name, value) }) }));
  return {
    dockerfile: { path: dockerfile.path, digest: { sha256: digestHex(sha256Digest(dockerfile.text)) } },
    context,
    platform: formatPlatform(platform),
    network,
    ...(target !== undefined && { target }),
    ...(buildArgs.size > 0 && { buildArgs: named(buildArgs) }),
    ...(labels.size > 0 && { labels: named(labels) }),
    ...(secrets.length > 0 && { secrets: secrets.toSorted().map((id) => ({ id })) }),
    ...(ssh.length > 0 && { ssh: ssh.toSorted().map((id) => ({ id })) }),
    ...(contexts.size > 0 && { contexts: [...contexts].map(([name, source]) => ({ name, source })) }),
    ...(epoch !== undefined && { sourceDateEpoch: epoch }),
  };
}

/**
 * The preimage of a step's key. Where something of it is masked the key is left out: it is a digest of all of it, and whoever
 * has the rest could try out what the secret is.
 */
function stepDocument({ id, line, key, preimage, output, contexts }: StepFacts, masking: Masking): JsonValue {
  if (preimage === undefined) return { id, line, output };
  const definition = masking.json(preimage.definition);
  const isWhole = canonicalJson(definition) === canonicalJson(preimage.definition);
  return {
    id,
    line,
    ...(isWhole && { key }),
    operation: preimage.operation,
    definition,
    inputs: preimage.inputs.map(({ name, id: digest }) => {
      const context = contexts.get(name);
      return { name, digest, ...(context !== undefined && { context: contextName(context) }) };
    }),
    output,
  };
}

/** From the first step's start to the last one's end; with SOURCE_DATE_EPOCH at that time; of no steps nothing. */
function times({ epoch }: BuildRequest, steps: readonly StepFacts[]): Readonly<Record<string, string>> {
  if (epoch !== undefined) return { startedOn: rfc3339(epoch * 1000), finishedOn: rfc3339(epoch * 1000) };
  if (steps.length === 0) return {};
  const started = Math.min(...steps.map((step) => step.started));
  const finished = Math.max(...steps.map((step) => step.finished));
  return { startedOn: rfc3339(started), finishedOn: rfc3339(finished) };
}

/** The environment of a RUN: a secret may come up in a later instruction under no name. */
function variablesOf({ preimage }: StepFacts): readonly (readonly [string, string])[] {
  const { environment } = fieldsOf(preimage?.definition);
  if (!Array.isArray(environment)) return [];
  return environment.flatMap((pair: unknown) => {
    const [, name, value] = typeof pair === 'string' ? (/^(\w+)=(.*)$/s.exec(pair) ?? []) : [];
    return name === undefined || value === undefined ? [] : [[name, value] as const];
  });
}

function hidesArguments({ buildArgs, labels }: BuildRequest, masking: Masking): boolean {
  return [...buildArgs, ...labels].some(([name, value]) => masking.value(name, value) !== value);
}
