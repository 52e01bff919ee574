/** What a check is about; its message is made where it fires. */
export interface Rule {
  readonly description: string;
  /** Where it is explained. */
  readonly url: string;
  /** Off unless `# check=experimental=` names it. */
  readonly experimental?: true;
  /** Not one of BuildKit's: never a reason for `error=true` to fail a build that passes elsewhere. */
  readonly own?: true;
}

const EXPLAINED = 'https://docs.docker.com/go/dockerfile/rule';
/** Docker's guides to what our own rules advise: an address that works wherever a build runs. */
const GUIDE = 'https://docs.docker.com';

/** BuildKit's rule, explained on Docker's page of the same name in kebab case. */
function buildKit(page: string, description: string, experimental?: 'experimental'): Rule {
  const url = `${EXPLAINED}/${page}/`;
  return experimental === undefined ? { description, url } : { description, url, experimental: true };
}

/** Of our own, explained in docs/checks.md. */
function own(page: string, description: string): Rule {
  return { description, url: `${GUIDE}/${page}`, own: true };
}

/** Every check by name. The first are those of BuildKit's linter, with its descriptions; the last are our own. */
export const RULES = {
  StageNameCasing: buildKit('stage-name-casing', 'Stage names should be lowercase'),
  FromAsCasing: buildKit('from-as-casing', "The 'as' keyword should match the case of the 'from' keyword"),
  NoEmptyContinuation: buildKit(
    'no-empty-continuation',
    'Empty continuation lines will become errors in a future release',
  ),
  ConsistentInstructionCasing: buildKit(
    'consistent-instruction-casing',
    'All commands within the Dockerfile should use the same casing (either upper or lower)',
  ),
  DuplicateStageName: buildKit('duplicate-stage-name', 'Stage names should be unique'),
  ReservedStageName: buildKit('reserved-stage-name', 'Reserved words should not be used as stage names'),
  JSONArgsRecommended: buildKit(
    'json-args-recommended',
    'JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals',
  ),
  MaintainerDeprecated: buildKit(
    'maintainer-deprecated',
    'The MAINTAINER instruction is deprecated, use a label instead to define an image author',
  ),
  UndefinedArgInFrom: buildKit('undefined-arg-in-from', 'FROM command must use declared ARGs'),
  WorkdirRelativePath: buildKit(
    'workdir-relative-path',
    'Relative workdir without an absolute workdir declared within the build can have unexpected results if the base image changes',
  ),
  UndefinedVar: buildKit('undefined-var', 'Variables should be defined before their use'),
  MultipleInstructionsDisallowed: buildKit(
    'multiple-instructions-disallowed',
    'Multiple instructions of the same type should not be used in the same stage',
  ),
  LegacyKeyValueFormat: buildKit(
    'legacy-key-value-format',
    'Legacy key/value format with whitespace separator should not be used',
  ),
  InvalidBaseImagePlatform: buildKit(
    'invalid-base-image-platform',
    'Base image platform does not match expected target platform',
  ),
  RedundantTargetPlatform: buildKit(
    'redundant-target-platform',
    'Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior',
  ),
  SecretsUsedInArgOrEnv: buildKit(
    'secrets-used-in-arg-or-env',
    'Sensitive data should not be used in the ARG or ENV commands',
  ),
  InvalidDefaultArgInFrom: buildKit(
    'invalid-default-arg-in-from',
    'Default value for global ARG results in an empty or invalid base image name',
  ),
  FromPlatformFlagConstDisallowed: buildKit(
    'from-platform-flag-const-disallowed',
    'FROM --platform flag should not use a constant value',
  ),
  CopyIgnoredFile: buildKit('copy-ignored-file', 'Attempting to Copy file that is excluded by .dockerignore'),
  InvalidDefinitionDescription: buildKit(
    'invalid-definition-description',
    'Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not intended to be a description comment, add an empty line or comment between the instruction and the comment.',
    'experimental',
  ),
  ExposeProtoCasing: buildKit('expose-proto-casing', 'Protocol in EXPOSE instruction should be lowercase'),
  ExposeInvalidFormat: buildKit(
    'expose-invalid-format',
    'IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future release',
  ),
  CopyBeforeInstall: own(
    'build/cache/optimize/#order-your-layers',
    'The whole context is copied before dependencies are installed, so every change of a file installs them again',
  ),
  StagePlatformIgnored: own(
    'build/building/multi-platform/#cross-compilation',
    'A stage that starts from another stage has the platform of that stage',
  ),
  IndependentStageEmulated: own(
    'build/building/multi-platform/#cross-compilation',
    'A stage runs emulated whose result is the same for every platform',
  ),
  PlatformArgTooEarly: own(
    'build/building/multi-platform/#cross-compilation',
    'Steps run for each platform because an ARG that they do not use is declared before them',
  ),
  FilesStoredTwice: own(
    'reference/dockerfile/#copy---chown---chmod',
    'Changing owner or mode stores complete copies of the files',
  ),
  DeletedInLaterLayer: own('build/building/multi-stage/', 'A later layer cannot remove files stored by an earlier one'),
  PackageCacheInLayer: own(
    'build/cache/optimize/#use-cache-mounts',
    'Caches of package managers make the image larger',
  ),
  SecretInLayer: own('build/building/secrets/', 'Files with credentials should not be part of an image'),
} as const satisfies Readonly<Record<string, Rule>>;

/** The name of a check, as `# check=skip=` takes it. */
export type RuleName = keyof typeof RULES;

/** The same table for names that come from anywhere. */
export function ruleOf(name: RuleName): Rule {
  return RULES[name];
}

/** Whether only this builder has the check: what it says is advice, and no reason to fail what passes elsewhere. */
export function isAdvice(name: string): boolean {
  const rules: Readonly<Record<string, Rule>> = RULES;
  return Object.hasOwn(rules, name) && rules[name]?.own === true;
}
