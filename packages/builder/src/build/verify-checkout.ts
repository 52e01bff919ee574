import { decodeImageConfig, type Digest, formatPlatform, type Platform, samePlatform } from '@tsbuild/oci';
import { hostPlatform, imageIdOf, type StoredImage } from '@tsbuild/oci/node';
import type { SourceRange } from '../diagnostics/source-file.ts';
import type { BuildRecord } from '../explain/build-record.ts';
import { type ConfigDifference, diffConfigs } from '../checkout/config-diff.ts';
import { type EarlierBuild, RecordedBuild } from '../checkout/recorded-build.ts';
import { attestedBuildOf, attestedSteps, otherBases } from './verify-attested.ts';
import type { LayerOutput, Rootfs } from '../ops/rootfs.ts';
import type { BuildPlan, PlatformPlan } from '../plan/platforms/build-plan.ts';
import type { MissChange } from '../progress/miss-reason.ts';
import type { ProgressReporter } from '../progress/reporter.ts';
import type { Verification } from '../progress/verification.ts';
import type { Store } from '../store/store.ts';
import type { BuildOptions } from './build-options.ts';
import { BuildSession } from './build-session.ts';
import { CheckoutWalk, type WalkedStep } from '../checkout/checkout-walk.ts';
import { assembleContent } from './image-assembly.ts';
import { makePlan } from './make-plan.ts';
import { verifyBuild } from './verify-build.ts';

/** A step that is not what it was when the image was built. */
export interface CheckoutStep {
  /** As progress shows it: 1 … */
  readonly number: number;
  readonly stage: string;
  /** The instruction, variables expanded. Foreign text. */
  readonly name: string;
  /** Of the instruction in this checkout's Dockerfile; undefined for one that it has no more. */
  readonly range?: SourceRange;
  readonly state: 'different' | 'impossible' | 'new' | 'removed' | 'unknown';
  /** Of `different`, the most telling first. */
  readonly changes: readonly MissChange[];
  /** Of `unknown`, and of `impossible`: why a build of this checkout would fail here. */
  readonly reason?: string;
}

/** What a checkout has to do with an image that was built here. */
export interface CheckoutVerification {
  /** What the checkout was compared with: the record of the build in this store, or the provenance of the image, which anybody may have written. */
  readonly by: 'record' | 'provenance';
  /** `same`: the image was built from just these files and this Dockerfile. `unknown`: nothing differs of what can be compared. */
  readonly verdict: 'same' | 'different' | 'unknown';
  /** Of the image, or of its index. */
  readonly image: Digest;
  /** When it was built, milliseconds since 1970. */
  readonly built: number;
  readonly dockerfile: string;
  /** How many steps there are in all. */
  readonly total: number;
  /** Those that are not the same: changed instructions first, then changed files, each in the order of the Dockerfile. */
  readonly steps: readonly CheckoutStep[];
  /** What differs beside the steps. */
  readonly config: readonly ConfigDifference[];
  /** With `rebuild`, and nothing that differs: what building again gave, for each platform. */
  readonly rebuilt?: readonly (Verification & { readonly platform: string })[];
}

/**
 * Whether a checkout holds what an image of the store was built from: the same instructions on the same files. An image that
 * was built elsewhere is compared with its provenance, where that tells of the steps. Nothing is executed; what commands did counts as it was recorded. With `rebuild` all steps are then executed once more, and compared.
 * @param options as the image was built: the same arguments, labels and contexts
 * @throws BuildError `NOT_VERIFIABLE` when nothing is known of the image's build; of a Dockerfile that cannot be planned
 */
export async function verifyCheckout(
  name: string,
  options: BuildOptions,
  {
    store,
    reporter,
    signal,
  }: { readonly store: Store; readonly reporter: ProgressReporter; readonly signal: AbortSignal },
  { rebuild = false }: { readonly rebuild?: boolean } = {},
): Promise<CheckoutVerification> {
  const image = await store.layout.resolve(name);
  const recorded = recordOf(image, store);
  const earlier = recorded ?? (await attestedBuildOf(image, name, { options, rebuild }, { store, signal }));
  const images = 'images' in earlier ? earlier.images : await imagesOf(image, earlier, store);
  const wanted = {
    ...options,
    ...platformsOf(options, earlier, image),
    ...targetOf(options, earlier),
    tags: [],
    noCache: false,
  };
  await using session = await BuildSession.open(wanted, { store, reporter, signal });
  try {
    const read = await session.read();
    const plan = await makePlan(session.planInput(read, session.notice));
    const compared =
      'facts' in earlier
        ? attestedSteps(earlier, plan, session)
        : await RecordedBuild.read<LayerOutput>(earlier, store.records, plan.steps);
    const walk = new CheckoutWalk(compared, store.records, { signal, output: () => {}, notice: session.notice });
    const roots: (Rootfs | undefined)[] = [];
    for (const root of plan.roots) roots.push(await walk.value(root));
    const config = [
      ...('facts' in earlier ? otherBases(earlier, session.materials.list()) : []),
      ...plan.platforms.flatMap((of, i) => configDifferences(of, images[i], roots[i]?.layers, walk, session)),
    ];
    const steps = [...differentSteps(plan, walk.steps), ...removedSteps(compared)];
    const differs = config.length > 0 || steps.some(({ state }) => state !== 'unknown');
    const verdict = differs ? 'different' : steps.length > 0 ? 'unknown' : 'same';
    const { started: built } = earlier;
    const { name: dockerfile } = session.file;
    const found = {
      verdict,
      by: 'facts' in earlier ? 'provenance' : 'record',
      image: imageIdOf(image),
      built,
      dockerfile,
      total: plan.steps.length,
      steps,
      config,
    } as const;
    if (!rebuild || verdict !== 'same') return found;
    reporter.report({ type: 'build-started', dockerfile });
    const verifications = await verifyBuild(
      { plan, results: imageResults(plan, walk, images), images },
      session,
      reporter,
    );
    const rebuilt = verifications.map((verification, i) => {
      const of = plan.platforms[i]?.platform;
      return { ...verification, platform: of === undefined ? '' : formatPlatform(of) };
    });
    return { ...found, rebuilt };
  } catch (error) {
    throw session.located(error);
  } finally {
    session.save();
  }
}

/**
 * What the steps of the image's own build made: its layers. The record of a step may be of a later build by now, which made
 * other ones (`--no-cache`).
 */
function imageResults(
  { platforms }: BuildPlan,
  walk: CheckoutWalk,
  images: readonly StoredImage[],
): CheckoutWalk['results'] {
  const results = new Map(walk.results);
  for (const [i, { target }] of platforms.entries()) {
    const own = images[i]?.layers.slice(target.base?.rootfs.diff_ids.length ?? 0) ?? [];
    const steps = target.history.flatMap(({ step }) => step ?? []);
    for (const [at, { id }] of steps.entries()) {
      const [known, layer] = [results.get(id), own[at]];
      if (known === undefined || layer === undefined) continue;
      const { digest, size } = layer;
      results.set(id, { ...known, output: { layer: { digest, size } } });
    }
  }
  return results;
}

/** An image may be part of several indexes: the build of this one counts. */
function recordOf(image: StoredImage, { builds }: Store): BuildRecord | undefined {
  const record = builds.get(imageIdOf(image)) ?? builds.get(image.id);
  return record?.image === undefined ? undefined : record;
}

/** The image of each platform that the build made, in its order. */
async function imagesOf(image: StoredImage, record: BuildRecord, { layout }: Store): Promise<readonly StoredImage[]> {
  const ids = record.image?.platforms?.map(({ id }) => id) ?? [image.id];
  const images: StoredImage[] = [];
  for (const id of ids) images.push(id === image.id ? image : await layout.resolve(id));
  return images;
}

/** The platforms of the record, unless others are asked for. */
function platformsOf(
  options: BuildOptions,
  record: Pick<BuildRecord, 'image'> & { readonly platforms?: readonly string[] },
  image: StoredImage,
): Pick<BuildOptions, 'platform' | 'platforms'> {
  if (options.platform !== undefined || options.platforms !== undefined) return {};
  const several = record.platforms ?? record.image?.platforms?.map(({ platform }) => platform);
  if (several !== undefined) return { platforms: several };
  const own = platformOf(image);
  return samePlatform(own, hostPlatform()) ? {} : { platform: formatPlatform(own) };
}

function targetOf({ target }: BuildOptions, record: Pick<BuildRecord, 'target'>): Pick<BuildOptions, 'target'> {
  const wanted = target ?? record.target;
  return wanted === undefined ? {} : { target: wanted };
}

function platformOf({ config: { architecture, os, variant } }: StoredImage): Platform {
  return { architecture, os, ...(variant === undefined ? {} : { variant }) };
}

/** None where steps cannot be compared: the image that they would make is not known then. */
function configDifferences(
  plan: PlatformPlan,
  image: StoredImage | undefined,
  layers: readonly { readonly digest: StoredImage['id'] }[] | undefined,
  { results }: CheckoutWalk,
  { options }: BuildSession,
): readonly ConfigDifference[] {
  if (image === undefined || layers === undefined) return [];
  const { config } = assembleContent({
    stage: plan.target,
    // Which of the two it says, when none was asked for, is no matter of the checkout.
    platform: platformOf(image),
    layers: layers.map(({ digest }) => ({ digest, size: 0 })),
    results,
    labels: options.labels,
    annotations: undefined,
    epoch: options.epoch,
  });
  return diffConfigs(image.config, decodeImageConfig(config), plan.target.base);
}

function differentSteps({ steps }: BuildPlan, walked: ReadonlyMap<string, WalkedStep>): readonly CheckoutStep[] {
  const found = steps.flatMap(({ id, stage, name, range }, i): CheckoutStep[] => {
    const step = walked.get(id);
    if (step === undefined || step.state === 'same') return [];
    const changes = step.state === 'different' ? step.changes : [];
    const reason = 'reason' in step ? { reason: step.reason } : {};
    return [{ number: i + 1, stage, name, range, state: step.state, changes, ...reason }];
  });
  return found.toSorted((a, b) => rank(a) - rank(b));
}

/** A Dockerfile that changed explains more than files. */
function rank({ state, changes }: CheckoutStep): number {
  if (state === 'unknown') return 2;
  return state === 'new' || changes.some(({ kind }) => kind !== 'file') ? 0 : 1;
}

function removedSteps(recorded: EarlierBuild<LayerOutput>): readonly CheckoutStep[] {
  return recorded.removed.map(({ number, stage, name }) => ({ number, stage, name, state: 'removed', changes: [] }));
}
