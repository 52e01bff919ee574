const hex = 'a'.repeat(64);
const bytes = (texts: readonly string[]): readonly Uint8Array[] => texts.map((text) => Buffer.from(text));

/** Image names. */
export const referenceSeeds = (): readonly Uint8Array[] =>
  bytes([
    'my-app',
    'docker.io/library/my-app:latest',
    'localhost:5000/a/b/c:1.2.3-x_y',
    `ghcr.io/me/app@sha256:${hex}`,
    `a:b@sha512:${hex}${hex}`,
    '[::1]:5000/x',
    'index.docker.io/a/b',
    'UPPER/x',
    'a/../b',
    `${'a/'.repeat(127)}a`,
    `${'a-'.repeat(120)}a`,
    hex,
    '@sha256:abc',
    'a__b.c--d/e',
  ]);

/** `--platform` texts. */
export const platformSeeds = (): readonly Uint8Array[] =>
  bytes(['linux/amd64', 'linux/arm/v7', 'aarch64', 'Windows/x86_64', 'linux/arm64/v8', 'macos/arm64', 'a/b/c/d', '']);

/** Values of response headers. */
export const headerSeeds = (): readonly Uint8Array[] =>
  bytes([
    'Bearer realm="https://auth.example.com/token",service="example.com",scope="repository:a/b:pull,push"',
    'Basic realm="x", Bearer realm="y", error="invalid_token"',
    'Negotiate abc==, Digest qop="auth, auth-int", nonce="\\"quoted\\""',
    `Bearer ${'a,'.repeat(4000)}`,
    `Bearer a="${'\\'.repeat(8000)}`,
    '</v2/a/tags/list?last=x&n=100>; rel="next"',
    '<a>; rel=prev, <b>;foo="bar"; rel = "first next"',
    `<a>; rel="${'next '.repeat(3000)}`,
    `<${'<'.repeat(8000)}`,
    `<a>${'; rel='.repeat(2500)}`,
    'Wed, 21 Oct 2015 07:28:00 GMT',
    '120',
    'bytes 0-99/100',
    'http://user:p%40ss@proxy.example.com:3128',
    'http://a%zz:b@c',
    'localhost,.example.com,10.0.0.0/8,[::1]:80,*',
  ]);

/** Words of a Dockerfile with substitutions. */
export const wordSeeds = (): readonly Uint8Array[] =>
  bytes([
    '$A${B}${C:-default}${D:+set}${E-x}${F+y}',
    '"double $A \\" \\$"\'single $A\'un\\quoted',
    '${A#*/}${A##*/}${A%.*}${A%%.*}',
    '${A/a/b}${A//a/b}${A//\\//x}',
    '${A:?must be set}',
    '${A:-${B:-${C:-deep}}}',
    `${'${A:-'.repeat(250)}${'}'.repeat(250)}`,
    `${'${L//?/'.repeat(12)}x${'}'.repeat(12)}`,
    `\${L//${'*a'.repeat(3000)}/}`,
    '`escaped`$`',
    '1h30m',
    '-1.5ms',
    '8000-8010/udp',
    '127.0.0.1:80:80',
  ]);

/** COPY sources and ignore patterns. */
export const patternSeeds = (): readonly Uint8Array[] =>
  bytes([
    '*.txt',
    '**/x',
    'a/**/b',
    'a**b',
    '[a-z]*[^0-9]?',
    '\\*\\[x\\]',
    '!keep',
    './a/../b/',
    '[[]',
    '[]',
    '[z-a]',
    '*a*a*a*a*a*a*b',
    '**/**/**/**/x',
    '**a**b**c**d**e**f**g',
    `${'*a'.repeat(200)}b`,
    `${'**/'.repeat(100)}x`,
    '\xff\xfe*',
  ]);
