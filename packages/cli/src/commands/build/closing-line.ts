import type { BuildResult } from '@tsbuild/builder';
import { familiarName, imageIdOf, parseReference } from '@tsbuild/oci/node';
import { humanSize, stepTime } from '../../output/human.ts';
import { shownId } from '../../output/image-id.ts';
import { sanitizeName } from '../../output/sanitize.ts';
import type { BuildOutput } from './build-output.ts';
import { staysInCache } from './check-outputs.ts';

/** What was built and what to do next. */
export function closingLine(result: BuildResult, outputs: readonly BuildOutput[]): string {
  const { image, names, steps, platforms } = result;
  const id = shownId(imageIdOf(image), false);
  const name = names[0] === undefined ? id : shortName(names[0]);
  const forAll = image.index === undefined ? '' : ` for ${platforms.map(({ platform }) => platform).join(', ')}`;
  const built = `Built ${name} (${name === id ? '' : `${id}, `}${humanSize(result.size)})${forAll} in ${stepTime(result.milliseconds)}${cachedSteps(steps)}.`;
  const file = outputs.find((output) => output.kind === 'file');
  const pushed = outputs.find((output) => output.kind === 'registry');
  if (pushed !== undefined)
    return `${built} Next: docker run --rm ${pushed.names?.[0] === undefined ? name : shortName(pushed.names[0])}`;
  if (outputs.some((output) => output.kind === 'engine')) return `${built} Next: docker run --rm ${name}`;
  if (file !== undefined) return `${built} Next: docker load -i ${sanitizeName(file.path)}`;
  const files = outputs.find((output) => output.kind === 'files');
  if (files !== undefined) return `${built} Its files are in ${sanitizeName(files.path)}`;
  if (staysInCache(outputs)) return `${built} It is only in the cache.`;
  if (outputs.some((output) => output.kind !== 'store')) return built;
  return `${built} Next: tsbuild save ${name} | docker load`;
}

function cachedSteps({ total, cached, saved }: BuildResult['steps']): string {
  if (cached === 0) return '';
  const time = saved < 50 ? '' : `, saved ${stepTime(saved)}`;
  return `${cached === total ? ', every step cached' : `, ${cached} of ${total} steps cached`}${time}`;
}

/** As people type it: `my-app`, not `docker.io/library/my-app:latest`. */
function shortName(name: string): string {
  return sanitizeName(familiarName(parseReference(name)).replace(/:latest$/, ''));
}
