import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RULES, type Rule } from '../../src/lint/rules.ts';
import { imageWith, lintOf, rulesOf } from './lint-of.ts';

describe("BuildKit's rules", () => {
  it('StageNameCasing', () => {
    expect(lintOf('FROM alpine AS BuilderBase')).toEqual([
      "1 StageNameCasing: Stage name 'BuilderBase' should be lowercase",
    ]);
    expect(lintOf('FROM alpine AS builder-base')).toEqual([]);
    expect(lintOf('FROM alpine')).toEqual([]);
  });

  it('FromAsCasing', () => {
    expect(lintOf('FROM alpine as base')).toEqual(["1 FromAsCasing: 'as' and 'FROM' keywords' casing do not match"]);
    expect(lintOf('from alpine AS base')).toEqual(["1 FromAsCasing: 'AS' and 'from' keywords' casing do not match"]);
    expect(lintOf('FROM alpine AS base')).toEqual([]);
    expect(lintOf('from alpine as base')).toEqual([]);
    expect(rulesOf('From alpine as base\nRUN a')).toEqual(['ConsistentInstructionCasing']);
  });

  it('NoEmptyContinuation, at the end of the instruction', () => {
    expect(lintOf('FROM scratch\nCOPY Dockerfile \\\n\n.\nCOPY Dockerfile \\\n.')).toEqual([
      '4 NoEmptyContinuation: Empty continuation line',
    ]);
    expect(lintOf('FROM scratch\nRUN a \\\n# comment\n  b')).toEqual([]);
  });

  it('ConsistentInstructionCasing', () => {
    expect(lintOf('FROM scratch\ncopy a /\nCOPY b /\nCMD ["a"]')).toEqual([
      "2 ConsistentInstructionCasing: Command 'copy' should match the case of the command majority (uppercase)",
    ]);
    expect(lintOf('from scratch\nCOPY a /\ncopy b /')).toEqual([
      "2 ConsistentInstructionCasing: Command 'COPY' should match the case of the command majority (lowercase)",
    ]);
    expect(lintOf('FROM scratch\nFrom scratch')).toEqual([
      "2 ConsistentInstructionCasing: Command 'From' should match the case of the command majority (uppercase)",
    ]);
    expect(lintOf('from scratch\ncopy a /')).toEqual([]);
    expect(lintOf('arg A\nFROM scratch\nCOPY a /')).toEqual([]);
  });

  it('DuplicateStageName and ReservedStageName', () => {
    expect(lintOf('FROM scratch AS a\nFROM scratch AS a')).toEqual([
      '2 DuplicateStageName: Duplicate stage name "a", stage names should be unique',
    ]);
    expect(lintOf('FROM scratch AS scratch\nFROM alpine AS context')).toEqual([
      '1 ReservedStageName: Stage name should not use the same name as reserved stage "scratch"',
      '2 ReservedStageName: Stage name should not use the same name as reserved stage "context"',
    ]);
    expect(lintOf('FROM scratch AS a\nFROM scratch AS b\nFROM scratch\nFROM scratch')).toEqual([]);
  });

  it('JSONArgsRecommended, unless a shell was chosen', () => {
    expect(lintOf('FROM scratch\nENTRYPOINT my-program start')).toEqual([
      '2 JSONArgsRecommended: JSON arguments recommended for ENTRYPOINT to prevent unintended behavior related to OS signals',
    ]);
    expect(rulesOf('FROM scratch\ncmd a')).toContain('JSONArgsRecommended');
    expect(lintOf('FROM scratch\nENTRYPOINT ["my-program", "start"]\nCMD []')).toEqual([]);
    expect(lintOf('FROM scratch\nSHELL ["/bin/bash", "-c"]\nENTRYPOINT my-program start')).toEqual([]);
    expect(lintOf('FROM base\nCMD x', { bases: { base: imageWith([], { Shell: ['/bin/bash', '-c'] }) } })).toEqual([]);
    expect(lintOf('FROM scratch AS a\nSHELL ["/bin/bash", "-c"]\nFROM a\nCMD x')).toEqual([]);
    expect(lintOf('FROM scratch\nRUN shell form\nHEALTHCHECK CMD curl -f localhost')).toEqual([]);
  });

  it('MaintainerDeprecated', () => {
    expect(lintOf('FROM scratch\nMAINTAINER me@example.org')).toEqual([
      '2 MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label',
    ]);
    expect(lintOf('FROM scratch\nLABEL org.opencontainers.image.authors="me@example.org"')).toEqual([]);
  });

  it('UndefinedArgInFrom', () => {
    expect(lintOf('ARG VARIANT=latest\nFROM alpine:${VARAINT}')).toEqual([
      '2 InvalidDefaultArgInFrom: Default value for ARG alpine:${VARAINT} results in empty or invalid base image name',
      "2 UndefinedArgInFrom: FROM argument 'VARAINT' is not declared (did you mean VARIANT?)",
    ]);
    expect(lintOf('FROM --platform=$BULIDPLATFORM alpine')).toEqual([
      "1 UndefinedArgInFrom: FROM argument 'BULIDPLATFORM' is not declared (did you mean BUILDPLATFORM?)",
    ]);
    expect(lintOf('ARG VARIANT=latest\nFROM alpine:${VARIANT}')).toEqual([]);
    expect(lintOf('FROM --platform=$BUILDPLATFORM alpine AS build')).toEqual([]);
    // Declared without a value: that is another rule's affair.
    expect(rulesOf('ARG A\nFROM alpine:$A', { buildArgs: { A: '3' } })).toEqual(['InvalidDefaultArgInFrom']);
  });

  it('WorkdirRelativePath, for the first WORKDIR of a stage and its parents', () => {
    expect(lintOf('FROM nginx\nWORKDIR usr/share\nWORKDIR html')).toEqual([
      '2 WorkdirRelativePath: Relative workdir "usr/share" can have unexpected results if the base image changes',
    ]);
    expect(lintOf('FROM nginx\nWORKDIR /usr/share\nWORKDIR html')).toEqual([]);
    expect(lintOf('FROM nginx AS a\nWORKDIR /a\nFROM a\nWORKDIR b')).toEqual([]);
  });

  it('UndefinedVar', () => {
    expect(lintOf('FROM alpine\nCOPY $foo .')).toEqual(["2 UndefinedVar: Usage of undefined variable '$foo'"]);
    expect(lintOf('FROM alpine\nENV PATH=$PAHT:/app/bin')).toEqual([
      "2 UndefinedVar: Usage of undefined variable '$PAHT' (did you mean $PATH?)",
    ]);
    expect(lintOf('FROM alpine\nCOPY $foo /\nARG foo=bar')).toEqual([
      "2 UndefinedVar: Usage of undefined variable '$foo'",
    ]);
    expect(lintOf('FROM alpine\nARG VERSION=$foo')).toEqual(["2 UndefinedVar: Usage of undefined variable '$foo'"]);
    expect(lintOf('FROM alpine\nCOPY <<EOF /a\n$foo \\$bar\nEOF')).toEqual([
      "2 UndefinedVar: Usage of undefined variable '$foo'",
    ]);
    expect(lintOf('FROM alpine\nRUN --mount=type=cache,target=$x true')).toEqual([
      "2 UndefinedVar: Usage of undefined variable '$x'",
    ]);
    expect(lintOf('FROM alpine\nENV A=$x B=$x')).toEqual(["2 UndefinedVar: Usage of undefined variable '$x'"]);
    expect(lintOf('FROM alpine\nARG foo\nCOPY $foo .')).toEqual([]);
    expect(lintOf('FROM alpine AS a\nARG foo\nFROM a\nCOPY $foo .')).toEqual([]);
    expect(lintOf('FROM alpine\nRUN echo $foo\nCMD ["$foo"]\nEXPOSE $foo\nRUN <<EOF\n$foo\nEOF')).toEqual([]);
    expect(lintOf("FROM alpine\nCOPY <<'EOF' /a\n$foo\nEOF")).toEqual([]);
    expect(
      lintOf('FROM python\nARG V=$PYTHON_VERSION', { bases: { python: imageWith(['PYTHON_VERSION=3']) } }),
    ).toEqual([]);
    expect(lintOf('FROM alpine\nARG V=$foo', { buildArgs: { V: '1' } })).toEqual([]);
    // What an image that nobody knows may set, may be set.
    expect(lintOf('FROM who-knows\nCOPY $foo .')).toEqual([]);
    expect(lintOf('FROM base\nCOPY $V /', { bases: { base: imageWith([], { OnBuild: ['ARG V'] }) } })).toEqual([]);
  });

  it('MultipleInstructionsDisallowed, at the one without effect', () => {
    expect(lintOf('FROM alpine\nCMD ["a"]\nENTRYPOINT ["x"]\nCMD ["b"]')).toEqual([
      '2 MultipleInstructionsDisallowed: Multiple CMD instructions should not be used in the same stage because only the last one will be used',
    ]);
    expect(rulesOf('FROM a\nHEALTHCHECK NONE\nHEALTHCHECK NONE')).toEqual(['MultipleInstructionsDisallowed']);
    expect(lintOf('FROM alpine AS a\nCMD ["a"]\nFROM a\nCMD ["b"]')).toEqual([]);
  });

  it('LegacyKeyValueFormat', () => {
    expect(lintOf('FROM alpine\nENV DIR /src\nLABEL a b')).toEqual([
      '2 LegacyKeyValueFormat: "ENV key=value" should be used instead of legacy "ENV key value" format',
      '3 LegacyKeyValueFormat: "LABEL key=value" should be used instead of legacy "LABEL key value" format',
    ]);
    expect(lintOf('FROM alpine\nENV DIR=/src\nLABEL a=b')).toEqual([]);
  });

  it('InvalidBaseImagePlatform', () => {
    const arm = { ...imageWith([]), architecture: 'arm64' };
    expect(lintOf('FROM base', { bases: { base: arm } })).toEqual([
      '1 InvalidBaseImagePlatform: Base image base was pulled with platform "linux/arm64", expected "linux/amd64" for current build',
    ]);
    expect(lintOf('FROM alpine')).toEqual([]);
  });

  it('RedundantTargetPlatform and FromPlatformFlagConstDisallowed', () => {
    expect(lintOf('FROM --platform=$TARGETPLATFORM alpine')).toEqual([
      '1 RedundantTargetPlatform: Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior',
    ]);
    expect(lintOf('FROM --platform=linux/amd64 alpine AS base')).toEqual([
      '1 FromPlatformFlagConstDisallowed: FROM --platform flag should not use constant value "linux/amd64"',
    ]);
    expect(lintOf('FROM --platform=$BUILDPLATFORM alpine')).toEqual([]);
    expect(lintOf('FROM --platform=linux/amd64 alpine AS build_amd64')).toEqual([]);
    expect(lintOf('ARG P=linux/amd64\nFROM --platform=$P alpine')).toEqual([]);
  });

  it('SecretsUsedInArgOrEnv', () => {
    expect(lintOf('FROM scratch\nARG AWS_SECRET_ACCESS_KEY\nENV password=x')).toEqual([
      '2 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ARG "AWS_SECRET_ACCESS_KEY")',
      '3 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ENV "password")',
    ]);
    expect(lintOf('FROM scratch\nARG KEYBOARD\nENV PUBLIC_KEY=x TOKEN_FILE=/a AUTH_VERSION=2 MONKEY=1')).toEqual([]);
    expect(lintOf('ARG TOKEN\nFROM scratch')).toEqual([]);
  });

  it('InvalidDefaultArgInFrom', () => {
    expect(lintOf('ARG TAG\nFROM busybox:${TAG}', { buildArgs: { TAG: '1' } })).toEqual([
      '2 InvalidDefaultArgInFrom: Default value for ARG busybox:${TAG} results in empty or invalid base image name',
    ]);
    expect(lintOf('ARG TAG=latest\nFROM busybox:${TAG}')).toEqual([]);
    expect(lintOf('ARG TAG\nFROM busybox:${TAG:-latest}')).toEqual([]);
    expect(lintOf('ARG V=\nFROM busybox:stable${V}')).toEqual([]);
  });

  it('CopyIgnoredFile', () => {
    expect(lintOf('FROM scratch\nCOPY ./tmp/hello.txt /\nADD tmp/x tmp.tar /', { ignore: '*/tmp/*\ntmp' })).toEqual([
      '2 CopyIgnoredFile: Attempting to Copy file "tmp/hello.txt" that is excluded by .dockerignore',
      '3 CopyIgnoredFile: Attempting to Add file "tmp/x" that is excluded by .dockerignore',
    ]);
    expect(lintOf('FROM scratch\nCOPY forever/hello.txt /', { ignore: '*/tmp/*' })).toEqual([]);
    expect(lintOf('FROM scratch\nCOPY tmp/a /', { ignore: 'tmp\n!tmp/a' })).toEqual([]);
    expect(lintOf('FROM scratch AS a\nFROM scratch\nCOPY --from=a tmp/a /', { ignore: 'tmp' })).toEqual([]);
    expect(lintOf('FROM scratch\nCOPY <<EOF /tmp\nEOF', { ignore: 'tmp' })).toEqual([]);
  });

  it('InvalidDefinitionDescription, when asked for', () => {
    const on = '# check=experimental=InvalidDefinitionDescription\n\n';
    const text = '# a non-descriptive comment\nFROM scratch AS base\n# another\nARG VERSION=1\n# more\nARG A B\n';
    expect(lintOf(text)).toEqual([]);
    expect(lintOf(on + text)).toEqual([
      '4 InvalidDefinitionDescription: Comment for FROM should follow the format: `# base <description>`',
      '6 InvalidDefinitionDescription: Comment for ARG should follow the format: `# VERSION <description>`',
      '8 InvalidDefinitionDescription: Comment for ARG should follow the format: `# <arg_key> <description>`',
    ]);
    expect(lintOf(`${on}# base compiles\nFROM scratch AS base\n# free text\n# VERSION is it\nARG VERSION=1`)).toEqual(
      [],
    );
    expect(
      lintOf(`${on}# free text\n\nFROM scratch AS base\n# free text\n#\nARG VERSION=1\n# free\nFROM scratch`),
    ).toEqual([]);
  });

  it('ExposeProtoCasing and ExposeInvalidFormat', () => {
    expect(lintOf('FROM alpine\nEXPOSE 80/TcP')).toEqual([
      "2 ExposeProtoCasing: Defined protocol '80/TcP' in EXPOSE instruction should be lowercase",
    ]);
    expect(lintOf('FROM alpine\nENV P="80:80 81"\nEXPOSE 127.0.0.1:80:80 $P [::1]:8080:8080')).toEqual([
      "3 ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '127.0.0.1:80:80'",
      "3 ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '80:80'",
      "3 ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '[::1]:8080:8080'",
    ]);
    expect(lintOf('FROM alpine\nEXPOSE 80/tcp 53/udp 8000-8010')).toEqual([]);
  });

  it('looks at the stages that a target needs, and at no others', () => {
    const text = 'FROM scratch AS a\nENV A b\nFROM scratch AS b\nENV A b\nFROM scratch\nCOPY --from=b / /';
    expect(lintOf(text, { stages: { target: undefined } }).map((line) => line[0])).toEqual(['4']);
    expect(lintOf(text, { stages: { target: 'a' } }).map((line) => line[0])).toEqual(['2']);
    expect(lintOf(text).length).toBe(2);
  });

  it('has a page for each, and all are in docs/checks.md', () => {
    const pages = readFileSync(new URL('../../../../docs/checks.md', import.meta.url), 'utf8');
    const explained = [...pages.matchAll(/^### (\w+)/gm)].map(([, name]) => name);
    expect(explained.toSorted()).toEqual(Object.keys(RULES).toSorted());
    const kebab = (name: string): string =>
      name.replace(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, '-').toLowerCase();
    const pageOf = (name: string, { own, url }: Rule): string =>
      own === true ? url.replace(/^(https:\/\/docs\.docker\.com\/).*/, '$1') : url.replace(`${kebab(name)}/`, 'PAGE');
    const expected = Object.values<Rule>(RULES).map(({ own }) =>
      own === true ? 'https://docs.docker.com/' : 'https://docs.docker.com/go/dockerfile/rule/PAGE',
    );
    expect(Object.entries<Rule>(RULES).map(([name, rule]) => pageOf(name, rule))).toEqual(expected);
  });
});
