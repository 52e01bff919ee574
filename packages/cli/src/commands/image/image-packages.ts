import { type AttributedPackage, type ImagePackages, imageBill, packagesOfImage, Store } from '@tsbuild/builder';
import { cyclonedxDocument, type Image, rfc3339, spdxDocument } from '@tsbuild/oci/node';
import { defineCommand } from '../../grammar/command.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import type { Host } from '../../host/host.ts';
import { UsageError } from '../../host/usage-error.ts';
import { version } from '../../host/version.ts';
import { packagesDocument } from '../../output/package-document.ts';
import { closingLines, packagesByLayer, packagesByStep, packagesTable } from '../../output/package-tables.ts';
import { platformOption } from '../../store/find-image.ts';
import { ANY_IMAGE, withAnyImage } from './any-image.ts';

const FORMATS = ['table', 'json', 'spdx', 'cyclonedx'] as const;

/** `tsbuild image packages`: what is installed in an image, and which line of the Dockerfile brought it. */
export const imagePackagesCommand = defineCommand({
  name: 'image packages',
  synopsis: 'IMAGE',
  summary: 'List the packages of an image, and the Dockerfile lines that installed them',
  options: {
    'by-layer': { kind: 'flag', describe: 'What each layer added, upgraded and removed' },
    'by-step': { kind: 'flag', describe: 'What each instruction added, upgraded and removed' },
    stage: { kind: 'value', placeholder: 'STAGE', describe: 'Only packages that this build stage installed' },
    type: { kind: 'list', placeholder: 'TYPE', describe: 'Only packages of this type: deb, npm, pypi, golang, …' },
    format: {
      kind: 'value',
      placeholder: 'FORMAT',
      describe: 'table, json, spdx (SPDX 2.3 JSON), or cyclonedx (CycloneDX 1.6 JSON)',
      choices: FORMATS,
    },
    platform: platformOption,
  },
  operands: { min: 1, max: 1, what: ANY_IMAGE },
  examples: [
    ['tsbuild image packages my-app', 'All packages, each with the line that installed it'],
    ['tsbuild image packages --by-step my-app', 'What each instruction added, upgraded and removed'],
    ['tsbuild image packages --type npm --format json my-app', 'The npm packages, for programs'],
    ['tsbuild image packages --format spdx alpine:3.20 >alpine.spdx.json', 'An SBOM of an image in a registry'],
  ],
  async run({ options, operands: [name = ''], settings }, host) {
    if (options['by-layer'] && options['by-step']) {
      throw new UsageError('--by-layer and --by-step cannot be combined', { command: 'image packages' });
    }
    const store = await Store.open(settings.root);
    const { platform, stage, type } = options;
    const found = await withAnyImage(name, { store, platform }, host, async ({ image, bring }) => ({
      image,
      packages: await packagesOfImage(image, store, { signal: host.signal, ...(bring !== undefined && { bring }) }),
    }));
    const chosen = choose(found.packages, stage, types(type));
    const view = { width: host.stdout.isTTY === true ? host.stdout.columns : undefined };
    host.stdout.write(
      options.format === undefined || options.format === 'table'
        ? (options['by-layer'] ? packagesByLayer : options['by-step'] ? packagesByStep : packagesTable)(chosen, view)
        : documentOf(options.format, { name, image: found.image, packages: chosen }, host),
    );
    host.stderr.write(closingLines(chosen));
    return EXIT_OK;
  },
});

interface Told {
  readonly name: string;
  readonly image: Image;
  readonly packages: ImagePackages;
}

function documentOf(format: string, { name, image, packages }: Told, host: Host): string {
  if (format === 'json') return packagesDocument(name, image, packages);
  const bill = imageBill(packages, {
    name,
    digest: image.descriptor.digest,
    created: createdOf(image, host.env['SOURCE_DATE_EPOCH']),
    tool: { name: 'tsbuild', version },
  });
  return format === 'spdx' ? spdxDocument(bill) : cyclonedxDocument(bill);
}

/** The time that a document tells: never the clock's, so that the same image always gives the same one. */
function createdOf({ config }: Image, epoch: string | undefined): string {
  if (epoch !== undefined && /^\d{1,11}$/.test(epoch)) return rfc3339(Number(epoch) * 1000);
  const created = Date.parse(config.created ?? '');
  return rfc3339(Number.isNaN(created) ? 0 : Math.trunc(created / 1000) * 1000);
}

function types(words: readonly string[]): ReadonlySet<string> | undefined {
  const all = words.flatMap((word) => word.split(',')).map((word) => word.trim().toLowerCase());
  return all.length === 0 ? undefined : new Set(all);
}

/** @throws UsageError for a stage that brought nothing, naming those that did */
function choose(
  found: ImagePackages,
  stage: string | undefined,
  wanted: ReadonlySet<string> | undefined,
): ImagePackages {
  const ofStage = ({ origin }: Pick<AttributedPackage, 'origin'>): boolean =>
    stage === undefined || (origin.kind === 'step' && origin.step.stage === stage.toLowerCase());
  const ofType = (type: string): boolean => wanted === undefined || wanted.has(type);
  const ofChosen = found.packages.filter(ofStage);
  if (stage !== undefined && ofChosen.length === 0) throw noSuchStage(stage, found);
  return {
    ...found,
    packages: ofChosen.filter(({ type }) => ofType(type)),
    changes: found.changes.filter((change) => ofStage(change) && ofType(change.package.type)),
  };
}

function noSuchStage(stage: string, { packages, dockerfile }: ImagePackages): UsageError {
  const stages = [...new Set(packages.flatMap(({ origin }) => (origin.kind === 'step' ? [origin.step.stage] : [])))];
  const hint =
    dockerfile === undefined
      ? 'no build of this image is recorded in this store'
      : `the packages come from ${stages.length === 0 ? 'its base image alone' : `the stages ${stages.join(', ')}`}`;
  return new UsageError(`--stage ${stage}: no package of the image comes from that stage`, {
    hint,
    command: 'image packages',
  });
}
