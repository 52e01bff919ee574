import type { Digest } from '@tsbuild/oci';
import { signatureFault, type TrustedKey } from './record-signature.ts';
import { decodeSharedRecord, type SharedRecord } from './shared-record.ts';

/** Whose records a reader takes. */
export interface TrustPolicy {
  /** `signed`: only those that a trusted key vouches for. `registry`: whoever may write there is trusted. */
  readonly policy: 'signed' | 'registry';
  readonly trusted: readonly TrustedKey[];
  /** Milliseconds; older records are misses. */
  readonly maxAge?: number;
}

/** What a record is judged by beside itself. */
export interface Judgement extends TrustPolicy {
  /** What signatures of this place are bound to. */
  readonly scope: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Reads the text that stands for `key` in a shared cache, and decides whether it is to be believed.
 * @returns the record, or why it is none, for people
 */
export function judgeRecord(text: string, key: Digest, judgement: Judgement): SharedRecord | string {
  const record = decodeSharedRecord(text);
  if (typeof record === 'string') return record;
  // The key was computed here: a record in another's place is nobody's answer.
  if (record.key !== key) return 'it is the record of another key';
  return faultOf(record, judgement) ?? record;
}

/** As {@link judgeRecord} of a hint, which names its key itself. */
export function judgeHint(text: string, judgement: Judgement): SharedRecord | string {
  const record = decodeSharedRecord(text);
  if (typeof record === 'string') return record;
  return faultOf(record, judgement) ?? record;
}

function faultOf(record: SharedRecord, { policy, trusted, scope, now, maxAge }: Judgement): string | undefined {
  if (record.expires !== undefined && record.expires <= now) return 'it has expired';
  if (maxAge !== undefined && record.created + maxAge < now) return 'it is older than max-age';
  return policy === 'signed' ? signatureFault(record, scope, trusted) : undefined;
}
