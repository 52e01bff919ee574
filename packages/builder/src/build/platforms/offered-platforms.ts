import type { Platform } from '@tsbuild/oci';
import { BuildArguments } from '../../plan/build-arguments.ts';
import { ANY_PLATFORM, commonPlatforms } from './common-platforms.ts';
import { imagePlatforms, type PlatformSources } from './image-platforms.ts';
import { type PlanInput, planOptions } from '../make-plan.ts';

/**
 * What `--platform all` means for a Dockerfile: the platforms that its base images have in common.
 * @throws BuildError, OciError of registries
 */
export async function offeredPlatforms(input: PlanInput, sources: PlatformSources): Promise<readonly Platform[]> {
  const args = new BuildArguments(input.options.buildArgs, input.options.environment);
  const [options] = planOptions({ ...input, checkOnly: true, platforms: [ANY_PLATFORM] }, args);
  if (options === undefined) throw new TypeError('there are options for each platform');
  return commonPlatforms(input.dockerfile, options, async (name) => {
    if (!input.named.has(name)) return imagePlatforms(name, sources);
    const image = input.named.imageOf(name);
    return image === undefined ? undefined : imagePlatforms(image, sources);
  });
}
