import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OciError } from '../src/spec/oci-error.ts';
import { familiarName, familiarRepository, formatReference, parseReference } from '../src/spec/reference.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('parseReference()', () => {
  it.each([
    ['my-app', 'docker.io/library/my-app:latest', 'my-app:latest'],
    ['my-app:1.2', 'docker.io/library/my-app:1.2', 'my-app:1.2'],
    ['me/app', 'docker.io/me/app:latest', 'me/app:latest'],
    ['docker.io/my-app', 'docker.io/library/my-app:latest', 'my-app:latest'],
    ['index.docker.io/me/app:x', 'docker.io/me/app:x', 'me/app:x'],
    ['docker.io/library/node:18-alpine', 'docker.io/library/node:18-alpine', 'node:18-alpine'],
    ['library/a/b', 'docker.io/library/a/b:latest', 'library/a/b:latest'],
    ['ghcr.io/me/app', 'ghcr.io/me/app:latest', 'ghcr.io/me/app:latest'],
    ['localhost/app', 'localhost/app:latest', 'localhost/app:latest'],
    ['localhost:5000/app:v1', 'localhost:5000/app:v1', 'localhost:5000/app:v1'],
    ['Host/app', 'Host/app:latest', 'Host/app:latest'],
    ['127.0.0.1:5000/a/b/c', '127.0.0.1:5000/a/b/c:latest', '127.0.0.1:5000/a/b/c:latest'],
    ['[::1]:5000/app', '[::1]:5000/app:latest', '[::1]:5000/app:latest'],
    [`my-app@${DIGEST}`, `docker.io/library/my-app@${DIGEST}`, `my-app@${DIGEST}`],
    [`my-app:2@${DIGEST}`, `docker.io/library/my-app:2@${DIGEST}`, `my-app:2@${DIGEST}`],
    ['a__b.c-d---e', 'docker.io/library/a__b.c-d---e:latest', 'a__b.c-d---e:latest'],
    ['app:_Tag.-x', 'docker.io/library/app:_Tag.-x', 'app:_Tag.-x'],
    [`app:${'t'.repeat(128)}`, `docker.io/library/app:${'t'.repeat(128)}`, `app:${'t'.repeat(128)}`],
  ])('reads %s', (text, complete, familiar) => {
    const reference = parseReference(text);
    expect(formatReference(reference)).toBe(complete);
    expect(familiarName(reference)).toBe(familiar);
    expect(parseReference(familiar)).toEqual(reference);
  });

  it.each([
    ['', /the image name is empty/],
    ['Foo', /repository name must be lowercase in "Foo"/],
    ['me/Foo:1', /repository name must be lowercase/],
    ['a/../b', /"\.\." is not a repository name/],
    ['a//b', /a part of the repository name is empty/],
    ['/a', /a part of the repository name is empty/],
    ['a/', /a part of the repository name is empty/],
    ['a:', /the tag "" is not valid/],
    ['a:-x', /the tag "-x" is not valid/],
    ['a:ü', /the tag "ü" is not valid/],
    [`a:${'t'.repeat(129)}`, /the tag .* is not valid/],
    ['a..b', /"a\.\.b" is not a repository name/],
    ['a___b', /"a___b" is not a repository name/],
    ['-a', /"-a" is not a repository name/],
    ['a b', /"a b" is not a repository name/],
    ['ünï', /is not a repository name/],
    ['-x.io/a', /the registry "-x\.io" is not valid/],
    ['x:y/a', /the registry "x:y" is not valid/],
    [`a@sha256:${'a'.repeat(63)}`, /the digest is not/],
    [`a@sha256:${'A'.repeat(64)}`, /the digest is not/],
    ['a@sha256:../../x', /the digest is not/],
    [`a@${DIGEST}@${DIGEST}`, /the digest is not/],
    ['f'.repeat(64), /64 hexadecimal digits/],
    [`${'a'.repeat(256)}`, /longer than 255/],
    [`x.io/${'a/'.repeat(200)}a`, /longer than 255/],
    ['a\nb', /is not a repository name/],
    ['https://x.io/a', /the registry "https:" is not valid/],
  ])('refuses %j', (text, reason) => {
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({ code: 'REFERENCE_INVALID', message: expect.stringMatching(reason) }),
    );
  });

  it.each(['docker.io/localhost/a', 'docker.io/docker.io/a/b', 'docker.io/example.com/a'])(
    'keeps the registry where the familiar name would mean another: %s',
    (name) => {
      expect(familiarName(parseReference(name))).toBe(`${name}:latest`);
    },
  );

  it('repeats only a part of a very long name', () => {
    const error = capture(() => parseReference('!'.repeat(100_000)));
    expect(error.message.length).toBeLessThan(400);
  });

  const part = fc.stringMatching(/^[a-z0-9]{1,8}((_|__|-)[a-z0-9]{1,4}){0,2}$/);
  const registry = fc.option(fc.stringMatching(/^[a-z0-9]{1,8}\.(io|example)(:[0-9]{1,5})?$/), { nil: undefined });
  const suffix = fc.record({
    tag: fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/), { nil: undefined }),
    digest: fc.option(fc.constant(DIGEST), { nil: undefined }),
  });

  it('reads back what it writes, in either form', () => {
    fc.assert(
      fc.property(registry, fc.array(part, { minLength: 1, maxLength: 4 }), suffix, (host, path, { tag, digest }) => {
        const text = [host, ...path].filter((x) => x !== undefined).join('/');
        const reference = parseReference(text + (tag ? `:${tag}` : '') + (digest ? `@${digest}` : ''));
        expect(parseReference(formatReference(reference))).toEqual(reference);
        expect(parseReference(familiarName(reference))).toEqual(reference);
        expect(familiarName(reference).startsWith(familiarRepository(reference))).toBe(true);
      }),
    );
  });

  it('answers any text with a reference or with REFERENCE_INVALID, quickly', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'aA0.-_:/@[]') })), (text) => {
        expect(['none', 'REFERENCE_INVALID']).toContain(codeOf(() => parseReference(text)));
      }),
      { numRuns: 500 },
    );
    expect(() => parseReference(`${'a-'.repeat(1_000_000)}!`)).toThrow(/longer than/);
  });
});

function codeOf(action: () => unknown): string {
  try {
    action();
    return 'none';
  } catch (error) {
    return error instanceof OciError ? error.code : String(error);
  }
}

function capture(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('nothing was thrown');
}
