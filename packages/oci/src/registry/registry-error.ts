import { STATUS_CODES } from 'node:http';
import { OciError } from '../spec/oci-error.ts';
import type { OciErrorCode } from '../spec/oci-error.ts';
import type { HttpResponse } from './http-response.ts';
import { plainText, plainUrl } from './plain-text.ts';
import { parseRetryAfter } from './retry.ts';

/** The error codes of the distribution-spec ("Error Codes") and the older ones that registries still send. */
const REGISTRY_CODES: ReadonlySet<string> = new Set([
  'BLOB_UNKNOWN',
  'BLOB_UPLOAD_INVALID',
  'BLOB_UPLOAD_UNKNOWN',
  'DENIED',
  'DIGEST_INVALID',
  'MANIFEST_BLOB_UNKNOWN',
  'MANIFEST_INVALID',
  'MANIFEST_UNKNOWN',
  'MANIFEST_UNVERIFIED',
  'NAME_INVALID',
  'NAME_UNKNOWN',
  'PAGINATION_NUMBER_INVALID',
  'RANGE_INVALID',
  'SIZE_INVALID',
  'TAG_INVALID',
  'TOOMANYREQUESTS',
  'UNAUTHORIZED',
  'UNAVAILABLE',
  'UNKNOWN',
  'UNSUPPORTED',
]);

const BODY_LIMIT = 64 * 1024;

/**
 * Turns an answer that was not hoped for into an error, and uses the answer up. `what` says what was wanted: "cannot read
 * the manifest of example.com/app:1".
 * Fields: `status`, `url`, `host`, `registryCode` and `retryAfterMilliseconds` where they are known.
 */
export async function statusError(response: HttpResponse, what: string, now: number): Promise<OciError> {
  const { status, url } = response;
  const { registryCode, message } = describeBody(await response.some(BODY_LIMIT));
  const retryAfter = parseRetryAfter(response.header('retry-after'), now);
  const said = [registryCode, message].filter((part) => part !== undefined && part !== '').join(': ');
  const answer = `${url.host} answered ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  const text = `${what}: ${answer}${said === '' ? '' : ` (${said})`}${hintFor(status)}`;
  return new OciError(codeFor(status), text, {
    fields: {
      status,
      url: plainUrl(url),
      host: url.host,
      ...(registryCode !== undefined && { registryCode }),
      ...(retryAfter !== undefined && { retryAfterMilliseconds: retryAfter }),
    },
  });
}

function codeFor(status: number): OciErrorCode {
  if (status === 401 || status === 403) return 'REGISTRY_DENIED';
  if (status === 404) return 'REGISTRY_NOT_FOUND';
  return 'REGISTRY_ERROR';
}

function hintFor(status: number): string {
  if (status === 401) return '; log in to this registry, and check that the name exists';
  if (status === 403) return '; this account lacks the permission';
  if (status === 404) return '; check the name, the tag and the registry';
  if (status === 413) return '; the registry, or a proxy in front of it, does not accept bodies of this size';
  if (status === 429) return '; too many requests: wait, or log in for a higher limit';
  return '';
}

/** The first error of the spec's error document; of any other text the beginning, if it is text at all. */
function describeBody(body: Uint8Array): { registryCode?: string; message?: string } {
  const text = new TextDecoder().decode(body);
  try {
    const first: unknown = (JSON.parse(text) as { errors?: unknown[] } | null)?.errors?.[0];
    if (typeof first !== 'object' || first === null) return {};
    const { code, message } = first as { code?: unknown; message?: unknown };
    return {
      ...(typeof code === 'string' && REGISTRY_CODES.has(code) && { registryCode: code }),
      ...(typeof message === 'string' && { message: plainText(message) }),
    };
  } catch {
    return text.trimStart().startsWith('<') ? {} : { message: plainText(text, 120) };
  }
}
