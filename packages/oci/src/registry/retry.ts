import { OciError } from '../spec/oci-error.ts';
import type { Clock, RetryPolicy } from './options.ts';

/** What a registry answers when the same request may well succeed in a moment. */
const TRANSIENT_STATUS: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

const TRANSIENT_ERRNO: ReadonlySet<string | number | undefined> = new Set(['EAI_AGAIN']);

/** Whether the same request may succeed when it is sent again. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof OciError)) return false;
  if (error.code === 'REGISTRY_INTERRUPTED' || error.code === 'REGISTRY_TIMEOUT') return true;
  if (error.code === 'REGISTRY_UNREACHABLE') return TRANSIENT_ERRNO.has(error.fields.errno);
  return TRANSIENT_STATUS.has(Number(error.fields.status));
}

/**
 * How long to wait before the next attempt, in milliseconds: what the registry asks for, else the base doubled with each
 * attempt, the second half of it by chance so that many clients do not return at once.
 */
export function retryDelay(error: unknown, attempt: number, policy: RetryPolicy, clock: Clock): number {
  const asked = error instanceof OciError ? error.fields.retryAfterMilliseconds : undefined;
  if (typeof asked === 'number') return Math.min(asked, policy.maxMilliseconds);
  const full = Math.min(policy.baseMilliseconds * 2 ** (attempt - 1), policy.maxMilliseconds);
  return full * (0.5 + clock.random() / 2);
}

/** Retry-After (RFC 9110, 10.2.3) in milliseconds from `now`: seconds or a date; undefined when it is neither. */
export function parseRetryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(text)) return Number(text) * 1000;
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return undefined;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** How {@link retrying} repeats. */
export interface Retrying {
  readonly retry: RetryPolicy;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Whether a failure may pass; {@link isTransient} unless told. */
  readonly mayPass?: ((error: unknown) => boolean) | undefined;
}

/** Repeats `attempt` while it fails in a way that may pass. Throws the last failure. */
export async function retrying<T>(
  { retry, clock, signal, mayPass = isTransient }: Retrying,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let count = 1; ; count++) {
    try {
      return await attempt();
    } catch (error) {
      if (signal?.aborted === true || count >= retry.attempts || !mayPass(error)) throw error;
      await clock.sleep(retryDelay(error, count, retry, clock), signal);
    }
  }
}
