import { describe, expect, it } from 'vitest';
import { RULES } from '../../src/lint/rules.ts';
import { imageWith, type LintCase, lintOf, rulesOf } from './lint-of.ts';

const fires = (text: string, warnings: readonly string[], options?: LintCase): void =>
  expect(lintOf(text, options)).toEqual(warnings);
const silent = (text: string, options?: LintCase): void => expect(lintOf(text, options)).toEqual([]);

describe("BuildKit's rules", () => {
  it('StageNameCasing', () => {
    fires('FROM alpine AS BuilderBase', ["1 StageNameCasing: Stage name 'BuilderBase' should be lowercase"]);
    silent('FROM alpine AS builder-base');
    silent('FROM alpine');
  });

  it('FromAsCasing', () => {
    fires('FROM alpine as base', ["1 FromAsCasing: 'as' and 'FROM' keywords' casing do not match"]);
    fires('from alpine AS base', ["1 FromAsCasing: 'AS' and 'from' keywords' casing do not match"]);
    silent('FROM alpine AS base');
    silent('from alpine as base');
    expect(rulesOf('From alpine as base\nRUN a')).toEqual(['ConsistentInstructionCasing']);
  });

  it('NoEmptyContinuation, at the end of the instruction', () => {
    fires('FROM scratch\nCOPY Dockerfile \\\n\n.\nCOPY Dockerfile \\\n.', [
      '4 NoEmptyContinuation: Empty continuation line',
    ]);
    silent('FROM scratch\nRUN a \\\n# comment\n  b');
  });

  it('ConsistentInstructionCasing', () => {
    fires('FROM scratch\ncopy a /\nCOPY b /\nCMD ["a"]', [
      "2 ConsistentInstructionCasing: Command 'copy' should match the case of the command majority (uppercase)",
    ]);
    fires('from scratch\nCOPY a /\ncopy b /', [
      "2 ConsistentInstructionCasing: Command 'COPY' should match the case of the command majority (lowercase)",
    ]);
    fires('FROM scratch\nFrom scratch', [
      "2 ConsistentInstructionCasing: Command 'From' should match the case of the command majority (uppercase)",
    ]);
    silent('from scratch\ncopy a /');
    silent('arg A\nFROM scratch\nCOPY a /');
  });

  it('DuplicateStageName and ReservedStageName', () => {
    fires('FROM scratch AS a\nFROM scratch AS a', [
      '2 DuplicateStageName: Duplicate stage name "a", stage names should be unique',
    ]);
    fires('FROM scratch AS scratch\nFROM alpine AS context', [
      '1 ReservedStageName: Stage name should not use the same name as reserved stage "scratch"',
      '2 ReservedStageName: Stage name should not use the same name as reserved stage "context"',
    ]);
    silent('FROM scratch AS a\nFROM scratch AS b\nFROM scratch\nFROM scratch');
  });

  it('JSONArgsRecommended, unless a shell was chosen', () => {
    fires('FROM scratch\nENTRYPOINT my-program start', [
      '2 JSONArgsRecommended: JSON arguments recommended for ENTRYPOINT to prevent unintended behavior related to OS signals',
    ]);
    expect(rulesOf('FROM scratch\ncmd a')).toContain('JSONArgsRecommended');
    silent('FROM scratch\nENTRYPOINT ["my-program", "start"]\nCMD []');
    silent('FROM scratch\nSHELL ["/bin/bash", "-c"]\nENTRYPOINT my-program start');
    silent('FROM base\nCMD x', { bases: { base: imageWith([], { Shell: ['/bin/bash', '-c'] }) } });
    silent('FROM scratch AS a\nSHELL ["/bin/bash", "-c"]\nFROM a\nCMD x');
    silent('FROM scratch\nRUN shell form\nHEALTHCHECK CMD curl -f localhost');
  });

  it('MaintainerDeprecated', () => {
    fires('FROM scratch\nMAINTAINER me@example.org', [
      '2 MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label',
    ]);
    silent('FROM scratch\nLABEL org.opencontainers.image.authors="me@example.org"');
  });

  it('UndefinedArgInFrom', () => {
    fires('ARG VARIANT=latest\nFROM alpine:${VARAINT}', [
      '2 InvalidDefaultArgInFrom: Default value for ARG alpine:${VARAINT} results in empty or invalid base image name',
      "2 UndefinedArgInFrom: FROM argument 'VARAINT' is not declared (did you mean VARIANT?)",
    ]);
    fires('FROM --platform=$BULIDPLATFORM alpine', [
      "1 UndefinedArgInFrom: FROM argument 'BULIDPLATFORM' is not declared (did you mean BUILDPLATFORM?)",
    ]);
    silent('ARG VARIANT=latest\nFROM alpine:${VARIANT}');
    silent('FROM --platform=$BUILDPLATFORM alpine AS build');
    // Declared without a value: that is another rule's affair.
    expect(rulesOf('ARG A\nFROM alpine:$A', { buildArgs: { A: '3' } })).toEqual(['InvalidDefaultArgInFrom']);
  });

  it('WorkdirRelativePath, for the first WORKDIR of a stage and its parents', () => {
    fires('FROM nginx\nWORKDIR usr/share\nWORKDIR html', [
      '2 WorkdirRelativePath: Relative workdir "usr/share" can have unexpected results if the base image changes',
    ]);
    silent('FROM nginx\nWORKDIR /usr/share\nWORKDIR html');
    silent('FROM nginx AS a\nWORKDIR /a\nFROM a\nWORKDIR b');
  });

  it('UndefinedVar', () => {
    fires('FROM alpine\nCOPY $foo .', ["2 UndefinedVar: Usage of undefined variable '$foo'"]);
    fires('FROM alpine\nENV PATH=$PAHT:/app/bin', [
      "2 UndefinedVar: Usage of undefined variable '$PAHT' (did you mean $PATH?)",
    ]);
    fires('FROM alpine\nCOPY $foo /\nARG foo=bar', ["2 UndefinedVar: Usage of undefined variable '$foo'"]);
    fires('FROM alpine\nARG VERSION=$foo', ["2 UndefinedVar: Usage of undefined variable '$foo'"]);
    fires('FROM alpine\nCOPY <<EOF /a\n$foo \\$bar\nEOF', ["2 UndefinedVar: Usage of undefined variable '$foo'"]);
    fires('FROM alpine\nRUN --mount=type=cache,target=$x true', ["2 UndefinedVar: Usage of undefined variable '$x'"]);
    fires('FROM alpine\nENV A=$x B=$x', ["2 UndefinedVar: Usage of undefined variable '$x'"]);
    silent('FROM alpine\nARG foo\nCOPY $foo .');
    silent('FROM alpine AS a\nARG foo\nFROM a\nCOPY $foo .');
    silent('FROM alpine\nRUN echo $foo\nCMD ["$foo"]\nEXPOSE $foo\nRUN <<EOF\n$foo\nEOF');
    silent("FROM alpine\nCOPY <<'EOF' /a\n$foo\nEOF");
    silent('FROM python\nARG V=$PYTHON_VERSION', { bases: { python: imageWith(['PYTHON_VERSION=3']) } });
    silent('FROM alpine\nARG V=$foo', { buildArgs: { V: '1' } });
    // What an image that nobody knows may set, may be set.
    silent('FROM who-knows\nCOPY $foo .');
    silent('FROM base\nCOPY $V /', { bases: { base: imageWith([], { OnBuild: ['ARG V'] }) } });
  });

  it('MultipleInstructionsDisallowed, at the one without effect', () => {
    fires('FROM alpine\nCMD ["a"]\nENTRYPOINT ["x"]\nCMD ["b"]', [
      '2 MultipleInstructionsDisallowed: Multiple CMD instructions should not be used in the same stage because only the last one will be used',
    ]);
    expect(rulesOf('FROM a\nHEALTHCHECK NONE\nHEALTHCHECK NONE')).toEqual(['MultipleInstructionsDisallowed']);
    silent('FROM alpine AS a\nCMD ["a"]\nFROM a\nCMD ["b"]');
  });

  it('LegacyKeyValueFormat', () => {
    fires('FROM alpine\nENV DIR /src\nLABEL a b', [
      '2 LegacyKeyValueFormat: "ENV key=value" should be used instead of legacy "ENV key value" format',
      '3 LegacyKeyValueFormat: "LABEL key=value" should be used instead of legacy "LABEL key value" format',
    ]);
    silent('FROM alpine\nENV DIR=/src\nLABEL a=b');
  });

  it('InvalidBaseImagePlatform', () => {
    const arm = { ...imageWith([]), architecture: 'arm64' };
    fires(
      'FROM base',
      [
        '1 InvalidBaseImagePlatform: Base image base was pulled with platform "linux/arm64", expected "linux/amd64" for current build',
      ],
      { bases: { base: arm } },
    );
    silent('FROM alpine');
  });

  it('RedundantTargetPlatform and FromPlatformFlagConstDisallowed', () => {
    fires('FROM --platform=$TARGETPLATFORM alpine', [
      '1 RedundantTargetPlatform: Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior',
    ]);
    fires('FROM --platform=linux/amd64 alpine AS base', [
      '1 FromPlatformFlagConstDisallowed: FROM --platform flag should not use constant value "linux/amd64"',
    ]);
    silent('FROM --platform=$BUILDPLATFORM alpine');
    silent('FROM --platform=linux/amd64 alpine AS build_amd64');
    silent('ARG P=linux/amd64\nFROM --platform=$P alpine');
  });

  it('SecretsUsedInArgOrEnv', () => {
    fires('FROM scratch\nARG AWS_SECRET_ACCESS_KEY\nENV password=x', [
      '2 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ARG "AWS_SECRET_ACCESS_KEY")',
      '3 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ENV "password")',
    ]);
    silent('FROM scratch\nARG KEYBOARD\nENV PUBLIC_KEY=x TOKEN_FILE=/a AUTH_VERSION=2 MONKEY=1');
    silent('ARG TOKEN\nFROM scratch');
  });

  it('InvalidDefaultArgInFrom', () => {
    fires(
      'ARG TAG\nFROM busybox:${TAG}',
      ['2 InvalidDefaultArgInFrom: Default value for ARG busybox:${TAG} results in empty or invalid base image name'],
      { buildArgs: { TAG: '1' } },
    );
    silent('ARG TAG=latest\nFROM busybox:${TAG}');
    silent('ARG TAG\nFROM busybox:${TAG:-latest}');
    silent('ARG V=\nFROM busybox:stable${V}');
  });

  it('CopyIgnoredFile', () => {
    fires(
      'FROM scratch\nCOPY ./tmp/hello.txt /\nADD tmp/x tmp.tar /',
      [
        '2 CopyIgnoredFile: Attempting to Copy file "tmp/hello.txt" that is excluded by .dockerignore',
        '3 CopyIgnoredFile: Attempting to Add file "tmp/x" that is excluded by .dockerignore',
      ],
      { ignore: '*/tmp/*\ntmp' },
    );
    silent('FROM scratch\nCOPY forever/hello.txt /', { ignore: '*/tmp/*' });
    silent('FROM scratch\nCOPY tmp/a /', { ignore: 'tmp\n!tmp/a' });
    silent('FROM scratch AS a\nFROM scratch\nCOPY --from=a tmp/a /', { ignore: 'tmp' });
    silent('FROM scratch\nCOPY <<EOF /tmp\nEOF', { ignore: 'tmp' });
  });

  it('InvalidDefinitionDescription, when asked for', () => {
    const on = '# check=experimental=InvalidDefinitionDescription\n\n';
    const text = '# a non-descriptive comment\nFROM scratch AS base\n# another\nARG VERSION=1\n# more\nARG A B\n';
    silent(text);
    fires(on + text, [
      '4 InvalidDefinitionDescription: Comment for FROM should follow the format: `# base <description>`',
      '6 InvalidDefinitionDescription: Comment for ARG should follow the format: `# VERSION <description>`',
      '8 InvalidDefinitionDescription: Comment for ARG should follow the format: `# <arg_key> <description>`',
    ]);
    silent(`${on}# base compiles\nFROM scratch AS base\n# free text\n# VERSION is it\nARG VERSION=1`);
    silent(`${on}# free text\n\nFROM scratch AS base\n# free text\n#\nARG VERSION=1\n# free\nFROM scratch`);
  });

  it('ExposeProtoCasing and ExposeInvalidFormat', () => {
    fires('FROM alpine\nEXPOSE 80/TcP', [
      "2 ExposeProtoCasing: Defined protocol '80/TcP' in EXPOSE instruction should be lowercase",
    ]);
    fires('FROM alpine\nENV P="80:80 81"\nEXPOSE 127.0.0.1:80:80 $P [::1]:8080:8080', [
      "3 ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '127.0.0.1:80:80'",
      "3 ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '80:80'",
      "3 ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '[::1]:8080:8080'",
    ]);
    silent('FROM alpine\nEXPOSE 80/tcp 53/udp 8000-8010');
  });

  it('looks at the stages that a target needs, and at no others', () => {
    const text = 'FROM scratch AS a\nENV A b\nFROM scratch AS b\nENV A b\nFROM scratch\nCOPY --from=b / /';
    expect(lintOf(text, { stages: { target: undefined } }).map((line) => line[0])).toEqual(['4']);
    expect(lintOf(text, { stages: { target: 'a' } }).map((line) => line[0])).toEqual(['2']);
    expect(lintOf(text).length).toBe(2);
  });

  it('has a page of its own for each', () => {
    for (const [name, { url, ...rule }] of Object.entries(RULES)) {
      if ('own' in rule) expect(url).toBe(`docs/checks.md#${name.toLowerCase()}`);
      else expect(url).toMatch(/^https:\/\/docs\.docker\.com\/go\/dockerfile\/rule\/[a-z-]+\/$/);
    }
  });
});
