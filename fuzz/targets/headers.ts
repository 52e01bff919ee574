import { parseAuthenticate } from '../../packages/oci/src/registry/authenticate-header.ts';
import { parseNextLink } from '../../packages/oci/src/registry/pages.ts';
import { plainText } from '../../packages/oci/src/registry/plain-text.ts';
import { proxyAuthorization, proxyFor } from '../../packages/oci/src/registry/proxy.ts';
import { parseRetryAfter } from '../../packages/oci/src/registry/retry.ts';
import { mutateText } from '../mutate/text.ts';
import { headerSeeds } from '../seeds/words.ts';
import { mustHold, pureTarget } from '../target.ts';

/** What Node lets through: header values as latin1, no line ends; at most 16 KiB of headers. */
function headerOf(input: Uint8Array): string {
  return Buffer.from(input.subarray(0, 16_384))
    .toString('latin1')
    .replace(/[\r\n\0]/g, ' ');
}

/** Values of response headers: authentication, links, waiting times, what is repeated in messages. */
export const headers = pureTarget('headers', {
  seeds: headerSeeds,
  mutate: mutateText(
    [
      ['Bearer ', 'Basic ', 'realm="', 'scope=', '"', '\\"', ',', ', ', '=', ';', '<', '>', 'rel="next"', 'rel=next'],
      ['next ', ' ', '\t', 'https://', '\u001b[2J', '\u0085', 'é'],
    ].flat(),
  ),
  run: (input) => {
    const text = headerOf(input);
    const challenges = parseAuthenticate(text);
    mustHold(
      challenges.every(({ scheme }) => scheme === scheme.toLowerCase()),
      'a scheme is not in lower case',
    );
    const link = parseNextLink(text);
    mustHold(link === undefined || text.includes(`<${link}>`), 'a link that is not there');
    const wait = parseRetryAfter(text, 1_700_000_000_000);
    mustHold(wait === undefined || (Number.isFinite(wait) && wait >= 0), 'a time that cannot be waited for');
    mustHold(!/[\u0000-\u001f\u007f-\u009f\u202e]/.test(plainText(text)), 'a control character reaches the terminal');
    return `${challenges.length > 1} ${challenges[0]?.parameters.size ?? ''} ${link !== undefined} ${wait !== undefined}`;
  },
});

/** Proxies from the environment: the first line is the proxy, the rest NO_PROXY. */
export const proxy = pureTarget('proxy', {
  seeds: () => [...headerSeeds(), Buffer.from('http://u:p@h:1\nlocalhost,*.x,::1/128'), Buffer.from('h\n10.0.0.0/33')],
  mutate: mutateText([
    'http://',
    'https://',
    'socks5://',
    '%zz',
    '%40',
    ':',
    '@',
    '[',
    ']',
    '/',
    ',',
    '*',
    '.',
    '\n',
    '::1',
  ]),
  run: (input) => {
    const [HTTP_PROXY = '', ...NO_PROXY] = Buffer.from(input).toString('utf8').split('\n');
    const environment = { HTTP_PROXY, HTTPS_PROXY: HTTP_PROXY, NO_PROXY: NO_PROXY.join(',') };
    const urls = ['http://example.com/', 'https://10.0.0.1:5000/', 'https://[2001:db8::1]/'];
    const found = urls.map((url) => proxyFor(new URL(url), environment));
    const passwords = found.map((one) => (one === undefined ? '' : proxyAuthorization(one)));
    mustHold(
      passwords.every((value) => value === undefined || !/[\r\n]/.test(value)),
      'a header of two lines',
    );
    return found.map((one) => one?.protocol ?? '').join();
  },
});
