import { canonicalJson, type JsonValue } from '../spec/canonical-json.ts';

/** What a statement is about. */
interface StatementSubject {
  /** A package URL of the image; absent where an image has no name. */
  readonly name?: string;
  /** Hexadecimal digests by algorithm: `{ sha256: '…' }`. */
  readonly digest: Readonly<Record<string, string>>;
}

/** A claim about artifacts, in the form of in-toto's Statement v1. */
export interface InTotoStatement {
  readonly subject: readonly StatementSubject[];
  /** The URI that says what the predicate means. */
  readonly predicateType: string;
  readonly predicate: JsonValue;
}

/** The media type of a bare statement, and the payload type of a signed one. */
export const STATEMENT_TYPE = 'application/vnd.in-toto+json';

const STATEMENT_V1 = 'https://in-toto.io/Statement/v1';

/**
 * Writes a statement as BuildKit stores it, compact and without a signature. The same statement always gives the same bytes.
 * @see https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
 */
export function encodeStatement({ subject, predicateType, predicate }: InTotoStatement): Uint8Array {
  const document = { _type: STATEMENT_V1, subject, predicateType, predicate };
  return new TextEncoder().encode(canonicalJson(document));
}
