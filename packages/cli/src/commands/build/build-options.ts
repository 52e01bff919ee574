import type { BuildOptions } from '@tsbuild/builder';
import { parseReference } from '@tsbuild/oci/node';
import { UsageError } from '../../host/usage-error.ts';
import type { Host } from '../../host/host.ts';
import { buildProgressOption } from '../../output/open-progress.ts';
import { runOptions } from '../../container/run-options.ts';
import { parseAttestations } from './attestation-flags.ts';
import { parseAnnotations } from './annotation-flag.ts';
import { YES } from './output-fields.ts';
import { parsePlatforms, platformOptions } from './platform-flag.ts';
import { parseNamedContext } from './named-context-flag.ts';
import { sharedCaches } from './cache-flags.ts';
import type { OptionTable, OptionValues } from '../../grammar/options.ts';

const LATER = { describe: '', later: true } as const;

/** The options of `tsbuild build`: those of `docker buildx build`, the planned ones marked as later. */
/** Of docker's classic builder; BuildKit takes such flags, too, and does nothing. */
const NO_LIMITS =
  'RUN has no such limits; use --ulimit, or run the whole build in a limited cgroup (systemd-run --scope -p MemoryMax=2G tsbuild …)';

export const buildOptionTable = {
  tag: { kind: 'list', short: 't', placeholder: 'NAME[:TAG]', describe: 'Name the image' },
  file: {
    kind: 'value',
    short: 'f',
    placeholder: 'FILE',
    describe: 'The Dockerfile, a URL, or - for standard input (default: PATH/Dockerfile)',
  },
  'build-arg': {
    kind: 'list',
    placeholder: 'NAME[=VALUE]',
    describe: 'Set a build argument; without a value, from the environment',
  },
  'build-context': {
    kind: 'list',
    placeholder: 'NAME=SOURCE',
    describe:
      'Put a directory, docker-image://IMAGE, oci-layout://DIR[:TAG] or a URL in place of the stage or image NAME',
  },
  target: { kind: 'value', placeholder: 'STAGE', describe: 'Build this stage of the Dockerfile' },
  platform: {
    kind: 'list',
    placeholder: 'OS/ARCH[,…]',
    describe:
      "The image's platform (default: this machine's); several make an index, and all means those of the base images",
  },
  index: { kind: 'flag', describe: 'Make an index also of a single platform' },
  pull: { kind: 'flag', describe: 'Check registries for newer base images' },
  'no-cache': { kind: 'flag', describe: 'Run every step again' },
  'no-cache-filter': { kind: 'list', placeholder: 'STAGE[,STAGE]', describe: 'Run the steps of these stages again' },
  'fail-on-miss': {
    kind: 'value',
    bare: '',
    placeholder: 'STEP',
    describe:
      'Fail with the reason instead of running a step that is not cached: any step, or a number, a stage, or STAGE/N',
  },
  'cache-from': {
    kind: 'list',
    placeholder: 'REF|type=TYPE,…',
    describe:
      'Read the cache of other machines: a repository of a registry, or type=registry|local|inline|gha|s3,KEY=VALUE,… (default: TSBUILD_CACHE_FROM)',
  },
  'cache-to': {
    kind: 'list',
    placeholder: 'REF|type=TYPE,…',
    describe: 'Share what the build makes, as --cache-from names places (default: TSBUILD_CACHE_TO)',
  },
  'cache-drain': {
    kind: 'value',
    placeholder: 'SECONDS',
    describe: 'How long writing to a shared cache may take after the build (default: 60, or a quarter of its time)',
  },
  secret: {
    kind: 'list',
    placeholder: 'id=ID[,src=FILE|,env=VAR]',
    describe: 'A secret for RUN --mount=type=secret, or for ADD (GIT_AUTH_TOKEN, …); never in the image or the cache',
  },
  ssh: { kind: 'list', placeholder: 'default|ID[=SOCKET]', describe: 'An SSH agent for RUN --mount=type=ssh' },
  network: { kind: 'value', placeholder: 'MODE', describe: 'Network of RUN', choices: ['default', 'host', 'none'] },
  'add-host': { kind: 'list', placeholder: 'HOST:IP', describe: 'Add a line to /etc/hosts of RUN' },
  'shm-size': { kind: 'value', placeholder: 'BYTES', describe: 'Size of /dev/shm of RUN (default 64m)' },
  ulimit: { kind: 'list', placeholder: 'NAME=SOFT[:HARD]', describe: 'A resource limit of RUN' },
  allow: { kind: 'list', placeholder: 'NAME', describe: 'Grant an entitlement to the Dockerfile, e.g. network.host' },
  isolation: {
    kind: 'value',
    placeholder: 'MODE',
    describe: 'Sandbox of RUN; chroot is none, for containers that allow nothing else',
    choices: ['auto', 'runc', 'namespaces', 'chroot', 'default'],
  },
  'on-error': {
    kind: 'value',
    placeholder: 'WHAT',
    describe: 'When a RUN fails: exit, or first open a shell in the state before it',
    choices: ['fail', 'shell'],
  },
  'debug-shell': { kind: 'flag', describe: 'The same as --on-error shell' },
  label: { kind: 'list', placeholder: 'KEY=VALUE', describe: 'Add a label to the image' },
  annotation: {
    kind: 'list',
    placeholder: '[TYPE:]KEY=VALUE',
    describe:
      "Add an annotation to the image's manifest; with several platforms also TYPE index, index-descriptor, manifest-descriptor or manifest[PLATFORM]",
  },
  provenance: {
    kind: 'value',
    bare: 'true',
    placeholder: 'min|max|false',
    describe: 'Attest what the image was made from; max also every step and the values of arguments (default: false)',
  },
  sbom: {
    kind: 'value',
    bare: 'true',
    placeholder: 'true|false',
    describe: 'Attest the packages of the image, with the instruction that brought each (default: false)',
  },
  attest: {
    kind: 'list',
    placeholder: 'type=TYPE,…',
    describe: 'The same with parameters: type=sbom, or type=provenance[,mode=min|max][,builder-id=URI]',
  },
  output: {
    kind: 'list',
    short: 'o',
    placeholder: 'FILE|DIR|-',
    describe:
      'Also write the image to an archive that docker load accepts, or with a directory its files; or type=docker|oci,dest=FILE, type=oci,dest=DIR,tar=false, type=local,dest=DIR, type=tar,dest=FILE, type=image|registry[,name=NAME], type=cacheonly',
  },
  push: { kind: 'flag', describe: 'Push the image, under each of its names' },
  sign: {
    kind: 'value',
    placeholder: 'key=FILE',
    describe: 'Sign what --push pushes with a private key, before its tag moves',
  },
  load: { kind: 'flag', describe: 'Load the image into the Docker engine' },
  iidfile: { kind: 'value', placeholder: 'FILE', describe: 'Write the image ID, of an index its digest, to a file' },
  check: { kind: 'flag', describe: 'Check the Dockerfile without building; exits 1 if there are warnings' },
  call: {
    kind: 'value',
    placeholder: 'METHOD',
    describe:
      'Report on the Dockerfile without building: check, outline or targets (,format=json; of check also gnu, github, sarif, gitlab, checkstyle)',
  },
  'metadata-file': { kind: 'value', placeholder: 'FILE', describe: 'Write digests and names of the image as JSON' },
  findings: {
    kind: 'list',
    placeholder: 'FILE[,format=FORMAT]',
    describe:
      'Write what the checks of the Dockerfile and its layers found: sarif (default), github, gitlab, checkstyle or gnu; - is standard output',
  },
  summary: {
    kind: 'value',
    placeholder: 'FILE',
    describe: 'Append a summary in Markdown, e.g. to "$GITHUB_STEP_SUMMARY": size and change, steps, findings',
  },
  trace: {
    kind: 'value',
    placeholder: 'FILE',
    describe:
      'Write when each step ran as a trace for ui.perfetto.dev; see also OTEL_EXPORTER_OTLP_ENDPOINT in docs/builds.md',
  },
  jobs: {
    kind: 'value',
    placeholder: 'N',
    describe: 'How many steps may run at once (default: the number of cores, at least 4)',
  },
  verify: {
    kind: 'flag',
    describe:
      'Build twice without the cache; fail, and name instruction and file, when the images differ. Times are set by SOURCE_DATE_EPOCH; without it they always differ',
  },
  watch: {
    kind: 'flag',
    describe: 'Rebuild whenever a file that the build reads changes, until Ctrl-C; best with --load',
  },
  progress: buildProgressOption,
  quiet: { kind: 'flag', short: 'q', describe: 'Print only the image ID' },
  // What docker has and help leaves out; docs/build.md lists all of them.
  rm: { kind: 'flag', describe: '', unused: 'a build leaves no containers' },
  'force-rm': { kind: 'flag', describe: '', unused: 'a build leaves no containers' },
  builder: { kind: 'value', describe: '', unused: 'there is only one builder' },
  compress: { kind: 'flag', describe: '', unused: 'the context is not sent anywhere' },
  'disable-content-trust': { kind: 'flag', describe: '', unused: 'Notary signatures are not checked' },
  squash: {
    kind: 'flag',
    describe: '',
    unused: 'BuildKit dropped it too; end with a stage FROM scratch that has COPY --from=STAGE / /',
  },
  invoke: { kind: 'value', ...LATER, instead: 'use --debug-shell for a shell where a RUN failed' },
  policy: { kind: 'list', ...LATER, instead: 'pin base images by digest: FROM IMAGE@sha256:…' },
  print: { kind: 'value', ...LATER, instead: 'use --call, its name in newer buildx' },
  resource: { kind: 'list', ...LATER, instead: 'use systemd-run or a cgroup around the build' },
  'cgroup-parent': { kind: 'value', describe: '', unused: NO_LIMITS },
  'cpu-period': { kind: 'value', describe: '', unused: NO_LIMITS },
  'cpu-quota': { kind: 'value', describe: '', unused: NO_LIMITS },
  'cpu-shares': { kind: 'value', short: 'c', describe: '', unused: NO_LIMITS },
  'cpuset-cpus': { kind: 'value', describe: '', unused: NO_LIMITS },
  'cpuset-mems': { kind: 'value', describe: '', unused: NO_LIMITS },
  memory: { kind: 'value', short: 'm', describe: '', unused: NO_LIMITS },
  'memory-swap': { kind: 'value', describe: '', unused: NO_LIMITS },
  'security-opt': { kind: 'list', describe: '', unused: 'the sandbox of RUN is always the same; see --isolation' },
} as const satisfies OptionTable;

export type BuildFlags = OptionValues<typeof buildOptionTable>;

/** What of a build the flags alone say. */
export type BuilderFlags = Omit<
  BuildOptions,
  'context' | 'dockerfile' | 'dockerfileText' | 'dockerfileName' | 'registry'
>;

/**
 * Turns the flags into what the builder takes, all but the context and the Dockerfile, which may come from a stream, and
 * what a file says of registries.
 */
export function builderOptions(flags: BuildFlags, host: Host): BuilderFlags {
  const buildArgs = new Map(flags['build-arg'].map(parseBuildArg));
  const epoch = sourceDateEpoch(buildArgs.get('SOURCE_DATE_EPOCH') ?? host.env['SOURCE_DATE_EPOCH']);
  refuseSourcePolicy(host);
  const index = flags.index || YES.test(buildArgs.get('BUILDKIT_MULTI_PLATFORM') ?? '');
  const platforms = parsePlatforms(flags.platform, {
    index,
    fallback: host.env['DOCKER_DEFAULT_PLATFORM'],
  });
  const attestations = parseAttestations(flags);
  if (flags.verify && flags['fail-on-miss'] !== undefined) throw wrong('--verify runs every step, --fail-on-miss none');
  const jobs = parseJobs(flags.jobs);
  const drain = parseDrain(flags['cache-drain']);
  return {
    tags: flags.tag.map(checkTag),
    buildArgs,
    environment: host.env,
    pull: flags.pull,
    noCache: flags['no-cache'],
    network: networkMode(flags.network),
    isolation: isolationMode(flags.isolation),
    labels: new Map(flags.label.map(parseLabel)),
    ...parseAnnotations(flags.annotation, { ...platforms, hasIndex: platforms.hasIndex || attestations !== undefined }),
    ...(attestations === undefined ? {} : { attestations }),
    contexts: new Map(flags['build-context'].map((text) => parseNamedContext(text, host))),
    ...(jobs === undefined ? {} : { jobs }),
    ...sharedCaches(flags, host, buildArgs),
    ...(drain === undefined ? {} : { cacheDrain: drain }),
    ...runOptions(flags, host),
    ...(flags['fail-on-miss'] === undefined ? {} : { failOnMiss: flags['fail-on-miss'] }),
    ...(flags.target ? { target: flags.target } : {}),
    ...platformOptions(platforms),
    ...(epoch === undefined ? {} : { epoch }),
    ...(flags.verify ? { verify: true } : {}),
  };
}

/** Somebody relies on it to keep images out: a build that does not look at it must not go on. */
function refuseSourcePolicy({ env }: Host): void {
  if (!env['EXPERIMENTAL_BUILDKIT_SOURCE_POLICY']) return;
  throw new UsageError('not supported yet: the source policy of EXPERIMENTAL_BUILDKIT_SOURCE_POLICY', {
    command: 'build',
    hint: 'unset the variable, and pin base images by digest: FROM IMAGE@sha256:…',
  });
}

function parseBuildArg(text: string): [string, string | undefined] {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  if (name === '') throw wrong(`invalid --build-arg ${JSON.stringify(text)}: expected NAME or NAME=VALUE`);
  return [name, equals < 0 ? undefined : text.slice(equals + 1)];
}

function parseLabel(text: string): [string, string] {
  const equals = text.indexOf('=');
  const key = equals < 0 ? text : text.slice(0, equals);
  if (key === '') throw wrong(`invalid --label ${JSON.stringify(text)}: expected KEY=VALUE`);
  return [key, equals < 0 ? '' : text.slice(equals + 1)];
}

function parseJobs(text: string | undefined): number | undefined {
  if (!text) return undefined;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw wrong(`invalid --jobs ${JSON.stringify(text)}: expected a number, 1 or more`);
}

function parseDrain(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const seconds = Number(text.replace(/s$/, ''));
  if (/^\d+(?:\.\d+)?s?$/.test(text) && Number.isFinite(seconds)) return seconds * 1000;
  throw wrong(`invalid --cache-drain ${JSON.stringify(text)}: expected seconds`);
}

function checkTag(name: string): string {
  try {
    const reference = parseReference(name);
    if (reference.digest === undefined) return name;
  } catch (error) {
    throw wrong(`invalid --tag: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw wrong(`invalid --tag ${JSON.stringify(name)}: an image cannot be named by a digest`);
}

/** https://reproducible-builds.org/specs/source-date-epoch: seconds since 1970, a decimal integer. */
function sourceDateEpoch(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const seconds = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(seconds * 1000)) return seconds;
  throw wrong(`invalid SOURCE_DATE_EPOCH ${JSON.stringify(text)}: expected seconds since 1970`);
}

// The grammar has checked the choices; these only tell the compiler.
function networkMode(text: string | undefined): BuildOptions['network'] {
  return text === 'host' || text === 'none' ? text : 'default';
}

function isolationMode(text: string | undefined): BuildOptions['isolation'] {
  return text === 'runc' || text === 'namespaces' || text === 'chroot' ? text : 'auto';
}

function wrong(message: string): UsageError {
  return new UsageError(message, { command: 'build' });
}
