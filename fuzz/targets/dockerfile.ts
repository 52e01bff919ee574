import type { ImageConfig } from '../../packages/oci/src/spec/image-config.ts';
import { dumpDockerfile } from '../../packages/builder/src/dockerfile/dump.ts';
import { parseDockerfile, parseTrigger } from '../../packages/builder/src/dockerfile/parser.ts';
import type { SourceFile, SourceRange } from '../../packages/builder/src/diagnostics/source-file.ts';
import { WorkLimit } from '../../packages/builder/src/dockerfile/work-limit.ts';
import { BuildError } from '../../packages/builder/src/diagnostics/build-error.ts';
import { parseIgnoreFile } from '../../packages/builder/src/context/ignore-file.ts';
import { isWanted, parseCheckOptions } from '../../packages/builder/src/lint/check-options.ts';
import { lintDockerfile } from '../../packages/builder/src/lint/lint.ts';
import { outlineOf, targetsOf } from '../../packages/builder/src/lint/outline.ts';
import { BuildArguments, GlobalArguments, platformArguments } from '../../packages/builder/src/plan/build-arguments.ts';
import { planBuild } from '../../packages/builder/src/plan/planner.ts';
import { declareStages } from '../../packages/builder/src/plan/stages.ts';
import { planOnly } from '../../packages/builder/testing/plan-only.ts';
import { mutateText } from '../mutate/text.ts';
import { DOCKERFILE_WORDS, dockerfileSeeds } from '../seeds/dockerfiles.ts';
import { mustHold, pureTarget } from '../target.ts';

const START: SourceRange = { start: { line: 1, column: 0 }, end: { line: 1, column: 0 } };

function sourceOf(input: Uint8Array): SourceFile {
  return { name: 'Dockerfile', text: Buffer.from(input).toString('utf8') };
}

/** Whether a range can be drawn a frame around. */
function isInside({ start, end }: SourceRange, lines: number): boolean {
  const ordered = start.line < end.line || (start.line === end.line && start.column <= end.column);
  return ordered && start.line >= 1 && end.line <= lines && start.column >= 0;
}

function countLines({ text }: SourceFile): number {
  return text.split('\n').length;
}

/** Runs the parser; its errors must point into the file. */
function parsed(file: SourceFile): ReturnType<typeof parseDockerfile> {
  try {
    return parseDockerfile(file);
  } catch (error) {
    if (error instanceof BuildError) {
      mustHold(
        error.range !== undefined && isInside(error.range, countLines(file)),
        `${error.message}: points outside of the file`,
      );
    }
    throw error;
  }
}

/** The parser: every instruction and every error lies within the file. */
export const dockerfile = pureTarget('dockerfile', {
  seeds: dockerfileSeeds,
  mutate: mutateText(DOCKERFILE_WORDS),
  run: (input) => {
    const file = sourceOf(input);
    const { instructions, directives } = parsed(file);
    const lines = countLines(file);
    let line = 0;
    for (const { range } of instructions) {
      mustHold(isInside(range, lines), 'an instruction lies outside of the file');
      mustHold(range.start.line > line, 'instructions overlap');
      line = range.end.line;
    }
    mustHold(dumpDockerfile({ instructions, directives }).length > 0, 'it cannot be shown');
    return `${directives.escape} ${[...new Set(instructions.map(({ kind }) => kind))].join(' ')}`;
  },
});

/** ONBUILD triggers, which come from the config of a base image that anyone may have made. */
export const trigger = pureTarget('onbuild-trigger', {
  seeds: () =>
    dockerfileSeeds().flatMap((bytes) =>
      Buffer.from(bytes)
        .toString('latin1')
        .split(/\n(?=[A-Z])/)
        .slice(0, 4)
        .map((text) => Buffer.from(text, 'latin1')),
    ),
  mutate: mutateText(DOCKERFILE_WORDS),
  run: (input) => parseTrigger(Buffer.from(input).toString('utf8'), START).kind,
});

const PLATFORM = { os: 'linux', architecture: 'amd64' };
const LAYER = `sha256:${'1'.repeat(64)}` as const;
const BASE: ImageConfig = {
  ...PLATFORM,
  config: { User: 'app', Env: ['PATH=/bin', 'A=base'], WorkingDir: '/srv', OnBuild: ['ENV ON=$A', 'COPY <<E /x\nE'] },
  rootfs: { type: 'layers', diff_ids: [`sha256:${'1'.repeat(64)}`] },
};

function planning(escape: '\\' | '`', file: ReturnType<typeof parseDockerfile>) {
  const args = new BuildArguments(
    new Map([
      ['B', 'given'],
      ['UNUSED', '1'],
    ]),
    {},
  );
  const platforms = platformArguments(PLATFORM, PLATFORM, 'default');
  return {
    escape,
    limit: new WorkLimit(),
    arguments: args,
    globals: new GlobalArguments(declareStages(file).globalArgs, args, platforms, { escape }),
    platform: PLATFORM,
    network: 'host' as const,
    ignoreCache: false,
    context: () => {
      throw new BuildError('CONTEXT_INVALID', 'there is no context here');
    },
    limits: { shmSize: undefined, limits: [], hosts: [] },
    allowed: new Set<string>(),
    dependencies: planOnly(),
  };
}

/** Planning what was parsed: words expanded, stages linked, configs folded. Nothing is read or run. */
export const plan = pureTarget('plan', {
  seeds: dockerfileSeeds,
  mutate: mutateText(DOCKERFILE_WORDS),
  run: async (input) => {
    const file = parsed(sourceOf(input));
    const { target, stages } = await planBuild(file, {
      target: undefined,
      signal: new AbortController().signal,
      lowering: planning(file.directives.escape, file),
      resolveImage: async (name) => ({ name, digest: LAYER, config: BASE, layers: [{ digest: LAYER }] }),
    });
    const size = JSON.stringify(target.config).length;
    mustHold(size < 64 * 1024 * 1024, `the config has grown to ${size} characters`);
    return `${stages.length} ${target.history.length > 3}`;
  },
});

const IGNORE = parseIgnoreFile('.dockerignore', Buffer.from('*.log\nsecret\n**/tmp/*\n')).matcher;

/** An error of its own, or nothing. */
function allowed<T>(task: () => T): T | undefined {
  try {
    return task();
  } catch (error) {
    if (error instanceof BuildError) return undefined;
    throw error;
  }
}

/** The checks: whatever parses, they throw nothing and point into the file. */
export const lint = pureTarget('lint', {
  seeds: dockerfileSeeds,
  mutate: mutateText(DOCKERFILE_WORDS),
  run: (input) => {
    const file = parsed(sourceOf(input));
    const lines = countLines(sourceOf(input));
    const args = new BuildArguments(new Map([['B', 'given']]), {});
    const predefined = platformArguments(PLATFORM, PLATFORM, 'default');
    const base: ImageConfig = { ...BASE, architecture: 'arm64' };
    const options = allowed(() => parseCheckOptions(file.directives.check ?? '')) ?? parseCheckOptions('');
    const rules = new Set<string>();
    for (const stages of ['all', { target: undefined }] as const) {
      const findings = lintDockerfile({
        dockerfile: file,
        stages,
        arguments: args,
        predefined,
        platform: PLATFORM,
        bases: new Map([['base', base]]),
        ignore: IGNORE,
      });
      for (const finding of findings) {
        mustHold(isInside(finding.range, lines), `${finding.rule} points outside of the file`);
        if (isWanted(finding, options)) rules.add(finding.rule);
      }
    }
    mustHold(targetsOf(file).length > 0, 'a Dockerfile without a stage');
    allowed(() => outlineOf(file, { target: undefined, arguments: args, predefined }));
    return [...rules].toSorted().join(' ');
  },
});
