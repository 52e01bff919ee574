import { formatPlatform, type Platform, samePlatform } from '@tsbuild/oci';
import type { Dockerfile } from '../../dockerfile/instruction.ts';
import { BuildError } from '../../diagnostics/build-error.ts';
import { findStages, type PlanOptions } from '../../plan/planner.ts';

/** Stands for whatever platform is built for: the images that are asked for it are the ones that decide. */
export const ANY_PLATFORM: Platform = { os: 'linux', architecture: 'any' };

/**
 * The platforms that all images of a build are for: those that stages start from or that files are copied from, but for
 * images that the Dockerfile wants for one platform (`FROM --platform=$BUILDPLATFORM`).
 * @param options with {@link ANY_PLATFORM} as their platform
 * @param platformsOf those of an image; undefined for what is no image, and for any platform
 * @throws BuildError `OPTION_INVALID` when there is no such image, or no such platform
 */
export async function commonPlatforms(
  dockerfile: Dockerfile,
  options: PlanOptions,
  platformsOf: (name: string) => Promise<readonly Platform[] | undefined>,
): Promise<readonly Platform[]> {
  const offers = new Map<string, readonly Platform[]>();
  const any = formatPlatform(ANY_PLATFORM);
  await findStages(dockerfile, {
    ...options,
    resolveImage: async (name, platform) => {
      const offered = formatPlatform(platform) === any ? await platformsOf(name) : undefined;
      if (offered !== undefined) offers.set(name, offered);
      // What it holds does not matter here.
      return { name, tree: undefined };
    },
  });
  const [first, ...others] = offers.values();
  const names = [...offers.keys()].join(', ');
  if (first === undefined) {
    throw new BuildError('OPTION_INVALID', '--platform all: no base image says which platforms there are', {
      hint: 'name the platforms, as in --platform linux/amd64,linux/arm64',
    });
  }
  const isOffered = (wanted: Platform) => (offer: readonly Platform[]) =>
    offer.some((each) => samePlatform(each, wanted));
  const common = first.filter(({ os }) => os === ANY_PLATFORM.os).filter((each) => others.every(isOffered(each)));
  if (common.length > 0) return common;
  throw new BuildError('OPTION_INVALID', `--platform all: ${names} have no platform in common`, {
    hint: 'name the platforms, as in --platform linux/amd64,linux/arm64',
  });
}
