import { BlockList, isIP } from 'node:net';
import { OciError } from '../spec/oci-error.ts';
import { plainText } from './plain-text.ts';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The host of a URL without the brackets of IPv6. */
export function bareHost(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

/** True for this machine itself: `localhost` and its subdomains, 127.0.0.0/8, ::1. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127(?:\.\d{1,3}){3}$/.test(name);
}

/**
 * The proxy for a URL by the habits of curl and Go: HTTPS_PROXY or HTTP_PROXY by the URL's scheme, in either case;
 * HTTP_PROXY is not believed in a CGI program, where a request header sets it. Loopback never goes through a proxy.
 * @throws OciError `UNSUPPORTED` for a proxy that is neither HTTP nor HTTPS
 */
export function proxyFor(url: URL, environment: Environment): URL | undefined {
  const read = (name: string): string => environment[name] ?? environment[name.toLowerCase()] ?? '';
  const secure = url.protocol === 'https:';
  const name = secure ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const text = !secure && environment.REQUEST_METHOD !== undefined ? '' : read(name).trim();
  if (text === '' || isLoopback(bareHost(url)) || isExcluded(url, read('NO_PROXY'))) return undefined;
  const full = text.includes('://') ? text : `http://${text}`;
  const proxy = URL.canParse(full) ? new URL(full) : undefined;
  if (proxy?.protocol === 'http:' || proxy?.protocol === 'https:') return proxy;
  // The value may hold a password; only its scheme is repeated.
  const scheme = proxy === undefined ? 'it is not a URL' : `${plainText(proxy.protocol)} is not supported`;
  throw new OciError('UNSUPPORTED', `the proxy in ${name} cannot be used: ${scheme}; use http://host:port`);
}

/**
 * The Proxy-Authorization for the user and password in a proxy's URL.
 * @throws OciError `UNSUPPORTED` when they are not percent-encoded
 */
export function proxyAuthorization(proxy: URL): string | undefined {
  if (proxy.username === '' && proxy.password === '') return undefined;
  const pair = [proxy.username, proxy.password].map((text) => decoded(text, proxy)).join(':');
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

function decoded(text: string, proxy: URL): string {
  try {
    return decodeURIComponent(text);
  } catch {
    const advice = 'write %25 for a percent sign';
    throw new OciError(
      'UNSUPPORTED',
      `the user or password of the proxy ${proxy.host} is not percent-encoded; ${advice}`,
    );
  }
}

/** NO_PROXY: `*`, host names (with their subdomains), `.suffix`, addresses, address/bits; each with an optional port. */
function isExcluded(url: URL, list: string): boolean {
  const host = bareHost(url).toLowerCase().replace(/\.$/, '');
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return list
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== '' && (entry === '*' || matches(entry, host, port)));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry.includes('/')) return inNetwork(entry, host);
  const withPort = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(entry);
  if (withPort !== null && withPort[3] !== port) return false;
  const name = (withPort === null ? entry : (withPort[1] ?? withPort[2] ?? '')).replace(/^\[(.*)\]$/, '$1');
  if (isIP(name) !== 0 || isIP(host) !== 0) return name === host;
  const suffix = name.replace(/^\*?\./, '');
  return host.endsWith(`.${suffix}`) || (host === suffix && !/^\*?\./.test(name));
}

function inNetwork(entry: string, host: string): boolean {
  const [address = '', bits = ''] = entry.split('/');
  const family = isIP(address);
  if (family === 0 || isIP(host) !== family || !/^\d{1,3}$/.test(bits)) return false;
  if (Number(bits) > (family === 4 ? 32 : 128)) return false;
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  const network = new BlockList();
  network.addSubnet(address, Number(bits), kind);
  return network.check(host, kind);
}
