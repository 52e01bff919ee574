import type { ImageConfig } from '@tsbuild/oci';
import { parseIgnoreFile } from '../../src/context/ignore-file.ts';
import { parseDockerfile } from '../../src/dockerfile/parser.ts';
import { isWanted, parseCheckOptions } from '../../src/lint/check-options.ts';
import type { LintInput } from '../../src/lint/lint-input.ts';
import { lintDockerfile } from '../../src/lint/lint.ts';
import { imageKey } from '../../src/plan/needed-stages.ts';
import { BuildArguments, platformArguments } from '../../src/plan/build-arguments.ts';

const PLATFORM = { os: 'linux', architecture: 'amd64' };

/** An image with these variables. */
export function imageWith(env: readonly string[], config: ImageConfig['config'] = {}): ImageConfig {
  return { ...PLATFORM, config: { ...config, Env: [...env] }, rootfs: { type: 'layers', diff_ids: [] } };
}

export interface LintCase {
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** By name, for the platform of the build. */
  readonly bases?: Readonly<Record<string, ImageConfig>>;
  readonly ignore?: string;
  readonly stages?: LintInput['stages'];
}

/** `line Rule: message` of everything that the checks say of a Dockerfile, its own `# check=` respected. */
export function lintOf(text: string, options: LintCase = {}): readonly string[] {
  const dockerfile = parseDockerfile({ name: 'Dockerfile', text });
  const known = { alpine: imageWith(['PATH=/bin']), busybox: imageWith(['PATH=/bin']) };
  const findings = lintDockerfile({
    dockerfile,
    stages: options.stages ?? 'all',
    arguments: new BuildArguments(new Map(Object.entries(options.buildArgs ?? {})), {}),
    predefined: platformArguments(PLATFORM, PLATFORM, 'default'),
    platform: PLATFORM,
    bases: new Map(
      Object.entries({ ...known, ...options.bases }).map(([name, config]) => [
        imageKey({ name, platform: PLATFORM }),
        config,
      ]),
    ),
    ignore: options.ignore === undefined ? undefined : parseIgnoreFile('x', Buffer.from(options.ignore)).matcher,
  });
  const file = parseCheckOptions(dockerfile.directives.check ?? '');
  return findings
    .filter((finding) => isWanted(finding, file))
    .map(({ rule, message, range }) => `${range.start.line} ${rule}: ${message}`);
}

/** The names of the rules that fire, in order. */
export function rulesOf(text: string, options: LintCase = {}): readonly string[] {
  return lintOf(text, options).map((line) => line.replace(/^\d+ ([^:]*):.*$/s, '$1'));
}
