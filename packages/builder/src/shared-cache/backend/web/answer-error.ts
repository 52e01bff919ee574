import { STATUS_CODES } from 'node:http';
import { OciError } from '@tsbuild/oci';
import { type HttpResponse, parseRetryAfter, plainText } from '@tsbuild/oci/internal';

/** Bytes of an answer that are read for its message. */
const BODY_LIMIT = 64 * 1024;

/**
 * Turns an answer that was not hoped for into an error, and uses the answer up. What the service says of itself is repeated,
 * and nothing of the request: neither its URL's query, in which signatures travel, nor its headers.
 */
export async function answerError(response: HttpResponse, what: string, now: number): Promise<OciError> {
  const { status, url } = response;
  const { code, message } = wordsOf(Buffer.from(await response.some(BODY_LIMIT)).toString('utf8'));
  const wait = parseRetryAfter(response.header('retry-after'), now);
  const said = [code, message].filter((part) => part !== undefined && part !== '').join(': ');
  const answer = `${url.host} answered ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  return new OciError(codeFor(status), `${what}: ${answer}${said === '' ? '' : ` (${said})`}`, {
    fields: {
      status,
      host: url.host,
      ...(code !== undefined && { answerCode: code }),
      ...(wait !== undefined && { retryAfterMilliseconds: wait }),
    },
  });
}

/** The code that the service gave an error of {@link answerError}. */
export function answerCode(error: unknown): string | undefined {
  const code = error instanceof OciError ? error.fields.answerCode : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** The status of an error of {@link answerError}. */
export function answerStatus(error: unknown): number | undefined {
  const status = error instanceof OciError ? error.fields.status : undefined;
  return typeof status === 'number' ? status : undefined;
}

function codeFor(status: number): OciError['code'] {
  if (status === 401 || status === 403) return 'REGISTRY_DENIED';
  return status === 404 ? 'REGISTRY_NOT_FOUND' : 'REGISTRY_ERROR';
}

/** An error document of S3 or Azure (XML), or of twirp (JSON). */
function wordsOf(body: string): { readonly code?: string; readonly message?: string } {
  const text = (value: string | undefined): string | undefined => (value === undefined ? undefined : plainText(value));
  const fields = body.trimStart().startsWith('{')
    ? jsonWords(body)
    : { code: /<Code>([^<]*)</.exec(body)?.[1], message: /<Message>([^<]*)</.exec(body)?.[1] };
  const [code, message] = [text(fields.code), text(fields.message)];
  return { ...(code !== undefined && { code }), ...(message !== undefined && { message }) };
}

function jsonWords(body: string): { readonly code?: string | undefined; readonly message?: string | undefined } {
  try {
    const { code, msg, message } = JSON.parse(body) as Readonly<Record<string, unknown>>;
    const words = msg ?? message;
    return {
      code: typeof code === 'string' ? code : undefined,
      message: typeof words === 'string' ? words : undefined,
    };
  } catch {
    return {};
  }
}
