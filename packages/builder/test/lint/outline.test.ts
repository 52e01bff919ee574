import { describe, expect, it } from 'vitest';
import { parseDockerfile } from '../../src/dockerfile/parser.ts';
import { outlineOf, targetsOf } from '../../src/lint/outline.ts';
import { BuildArguments } from '../../src/plan/build-arguments.ts';

const TEXT = `# syntax=docker/dockerfile:1
# GO_VERSION sets the Go version for the build
ARG GO_VERSION=1.22
# UNUSED is for nothing
ARG UNUSED
ARG TAG=\${GO_VERSION}-alpine

# base-builder compiles
FROM golang:\${TAG} AS base-builder
# VERSION is told by --version
# check=skip=all
ARG VERSION=dev TARGETOS
ARG GO_VERSION
ARG OWN=\${TAG}\${GO_VERSION}x
RUN --mount=type=secret,id=token,required --mount=type=secret,target=/run/secrets/other --mount=type=ssh \\
  --mount=type=cache,target=/root/.cache --mount=type=cache,id=go,target=/go true
RUN --mount=type=secret,id=token true

# lint is elsewhere

FROM scratch AS lint
ARG ELSEWHERE

# minimal has nothing else
FROM --platform=$BUILDPLATFORM scratch AS minimal
COPY --from=base-builder / /

FROM minimal
`;

const outline = (target?: string, buildArgs: Readonly<Record<string, string>> = {}) =>
  outlineOf(parseDockerfile({ name: 'Dockerfile', text: TEXT }), {
    target,
    arguments: new BuildArguments(new Map(Object.entries(buildArgs)), {}),
    predefined: new Map([
      ['TARGETOS', 'linux'],
      ['BUILDPLATFORM', 'linux/amd64'],
    ]),
  });

describe('what a Dockerfile offers', () => {
  it('lists its stages with the comments that begin with their names', () => {
    const targets = targetsOf(parseDockerfile({ name: 'Dockerfile', text: TEXT }));
    expect(targets.map(({ name, isDefault, description, base }) => [name, isDefault, description, base])).toEqual([
      ['base-builder', false, 'compiles', 'golang:${TAG}'],
      ['lint', false, '', 'scratch'],
      ['minimal', false, 'has nothing else', 'scratch'],
      [undefined, true, '', 'minimal'],
    ]);
    expect(targets[2]?.platform).toBe('$BUILDPLATFORM');
  });

  it('lists the arguments that a target and its stages take, with values and descriptions', () => {
    const shown = ({ args }: ReturnType<typeof outline>) =>
      args.map(({ name, value, description, range }) => `${range.start.line} ${name}=${value} ${description}`.trim());
    expect(shown(outline())).toEqual([
      '3 GO_VERSION=1.22 sets the Go version for the build',
      '6 TAG=1.22-alpine',
      '12 VERSION=dev is told by --version',
      '14 OWN=1.22x',
    ]);
    expect(shown(outline('minimal', { GO_VERSION: '2', VERSION: '3' }))).toContain('12 VERSION=3 is told by --version');
    expect(shown(outline('lint'))).toEqual(['22 ELSEWHERE=']);
    expect(outline('minimal')).toMatchObject({ name: 'minimal', description: 'has nothing else' });
    expect(() => outline('nope')).toThrow('target stage "nope" could not be found');
  });

  it('lists secrets, agents and caches', () => {
    const { secrets, ssh, caches } = outline();
    expect(secrets.map(({ name, required }) => [name, required])).toEqual([
      ['token', true],
      ['other', false],
    ]);
    expect(ssh.map(({ name }) => name)).toEqual(['default']);
    expect(caches.map(({ id }) => id)).toEqual(['/root/.cache', 'go']);
    expect(outline('lint')).toMatchObject({ secrets: [], ssh: [], caches: [] });
  });
});
