import { OciError } from '../spec/oci-error.ts';
import { plainText, plainUrl } from './plain-text.ts';

/** What errno and OpenSSL codes mean to the person at the keyboard. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused; is the registry running, and is the port right?',
  ENOTFOUND: 'its address cannot be found: there is no network, or the name is wrong',
  EAI_AGAIN: 'its name cannot be looked up at the moment; is there a network?',
  EHOSTUNREACH: 'there is no route to that host',
  ENETUNREACH: 'there is no route to that network',
  EPROTO: 'it does not speak TLS; if it is meant to be plain HTTP, list the host as insecure',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed; configure it as a CA file',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate comes from an unknown authority; configure its CA file',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate comes from an unknown authority; configure its CA file',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate comes from an unknown authority; configure its CA file',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name',
};

const CUT: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ERR_STREAM_PREMATURE_CLOSE']);

/** Turns an error of Node's HTTP client into ours; errors of a caller (a failing source, an abort) stay what they are. */
export function networkError(url: URL, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof OciError) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const fields = { url: plainUrl(url), host: url.host, ...(code !== '' && { errno: code }) };
  const wrap = (kind: 'INTERRUPTED' | 'RESPONSE' | 'TIMEOUT' | 'UNREACHABLE', message: string): OciError =>
    new OciError(`REGISTRY_${kind}`, message, { fields, cause: error });
  if (CUT.has(code)) return wrap('INTERRUPTED', `the connection to ${url.host} was cut off`);
  if (code === 'ETIMEDOUT') return wrap('TIMEOUT', `cannot reach ${url.host}: it does not answer`);
  if (code.startsWith('HPE_'))
    return wrap('RESPONSE', `${url.host} does not answer in HTTP (${plainText(error.message)})`);
  // Anything else that carries a code on this path is about connecting: sockets, name service, TLS, the proxy.
  if (code === '' || code.startsWith('ERR_INVALID')) return error;
  return wrap('UNREACHABLE', `cannot reach ${url.host}: ${REASONS[code] ?? plainText(error.message)}`);
}

/** The error for a peer that is silent, or as good as silent. */
export function idleError(url: URL, milliseconds: number, when: string): OciError {
  return new OciError('REGISTRY_TIMEOUT', `${url.host} sent no useful data for ${milliseconds} ms ${when}`, {
    fields: { url: plainUrl(url), host: url.host, milliseconds },
  });
}

/** The error for an answer that the distribution-spec does not allow. */
export function responseError(
  url: URL,
  problem: string,
  fields: Readonly<Record<string, string | number>> = {},
): OciError {
  return new OciError('REGISTRY_RESPONSE', `${url.host} sent an invalid answer: ${problem}`, {
    fields: { url: plainUrl(url), host: url.host, ...fields },
  });
}

/** The error for what is not done, so that secrets and trust stay where they belong. */
export function unsafe(url: URL, problem: string): OciError {
  return new OciError('REGISTRY_UNSAFE', `refused: ${problem}`, { fields: { url: plainUrl(url), host: url.host } });
}
