import { describe, expect, it } from 'vitest';
import { isLoopback, proxyAuthorization, proxyFor } from '../../src/registry/proxy.ts';

const through = (url: string, environment: Record<string, string>): string | undefined =>
  proxyFor(new URL(url), environment)?.href;

describe('proxyFor()', () => {
  it('goes by the scheme of the URL, in either case of the variable', () => {
    const environment = { HTTP_PROXY: 'http://plain:1', https_proxy: 'secure:2' };
    expect(through('http://a.example/', environment)).toBe('http://plain:1/');
    expect(through('https://a.example/', environment)).toBe('http://secure:2/');
    expect(through('https://a.example/', {})).toBeUndefined();
    expect(through('https://a.example/', { HTTPS_PROXY: '' })).toBeUndefined();
  });

  it('never sends loopback through a proxy', () => {
    for (const host of ['localhost', 'x.localhost:5000', '127.0.0.1', '127.1.2.3:5000', '[::1]:5000']) {
      expect(through(`http://${host}/`, { HTTP_PROXY: 'http://p' })).toBeUndefined();
    }
  });

  it('does not believe HTTP_PROXY in a CGI program (CVE-2016-5385)', () => {
    expect(through('http://a.example/', { HTTP_PROXY: 'http://evil', REQUEST_METHOD: 'GET' })).toBeUndefined();
    expect(through('https://a.example/', { HTTPS_PROXY: 'http://good', REQUEST_METHOD: 'GET' })).toBe('http://good/');
  });

  it.each([
    ['*', 'https://a.example/', true],
    ['a.example', 'https://a.example/', true],
    ['a.example', 'https://b.a.example/', true],
    ['a.example', 'https://ba.example/', false],
    ['.a.example', 'https://b.a.example/', true],
    ['.a.example', 'https://a.example/', false],
    ['*.a.example', 'https://b.a.example/', true],
    ['A.Example', 'https://a.EXAMPLE/', true],
    ['a.example:5000', 'https://a.example:5000/', true],
    ['a.example:443', 'https://a.example/', true],
    ['a.example:80', 'http://a.example/', true],
    ['a.example:5000', 'https://a.example/', false],
    ['10.0.0.0/8', 'https://10.1.2.3/', true],
    ['10.0.0.0/8', 'https://11.1.2.3/', false],
    ['10.1.2.3', 'https://10.1.2.3/', true],
    ['10.1.2.3:5000', 'https://10.1.2.3:5000/', true],
    ['2.3', 'https://10.1.2.3/', false],
    ['fd00::/8', 'https://[fd12::1]/', true],
    ['[fd12::1]:5000', 'https://[fd12::1]:5000/', true],
    ['fd00::/8', 'https://[fe12::1]/', false],
    ['10.0.0.0/99, ,x/8', 'https://10.1.2.3/', false],
    ['other , a.example', 'https://a.example/', true],
  ])('NO_PROXY=%s for %s: %s', (list, url, excluded) => {
    expect(through(url, { HTTP_PROXY: 'http://p', HTTPS_PROXY: 'http://p', NO_PROXY: list }) === undefined).toBe(
      excluded,
    );
  });

  it('refuses a user or password that is not percent-encoded, without repeating it', () => {
    const refused = (): unknown => proxyAuthorization(new URL('http://me:hunter%zz@proxy.example.com:3128'));
    expect(refused).toThrow(/^the user or password of the proxy proxy\.example\.com:3128 is not percent-encoded/);
    expect(proxyAuthorization(new URL('http://me:a%25b@h'))).toBe(`Basic ${Buffer.from('me:a%b').toString('base64')}`);
  });

  it('refuses a proxy that it does not speak, without repeating its password', () => {
    expect(() => through('https://a.example/', { HTTPS_PROXY: 'socks5://user:secret@p' })).toThrow(
      'the proxy in HTTPS_PROXY cannot be used: socks5: is not supported; use http://host:port',
    );
    expect(() => through('https://a.example/', { HTTPS_PROXY: 'http://user:secret@:x' })).toThrow(/it is not a URL/);
  });
});

it('isLoopback() is not fooled by names that look like it', () => {
  for (const host of ['127.0.0.1.evil.example', 'localhost.evil', '0.0.0.0', '128.0.0.1', 'notlocalhost']) {
    expect(isLoopback(host)).toBe(false);
  }
});
