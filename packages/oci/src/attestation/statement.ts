import { canonicalJson, type JsonValue } from '../spec/canonical-json.ts';
import { type DocumentKind, Field } from '../spec/json-document.ts';

/** What a statement is about. */
export interface StatementSubject {
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
/** What BuildKit wrote before 0.31; the members are the same. */
const STATEMENT_V01 = 'https://in-toto.io/Statement/v0.1';

/** BuildKit's readers take as much; an SBOM that lists files may have some ten megabytes. */
export const STATEMENT_SIZE_LIMIT = 40 * 1024 * 1024;
/** Each has the names of one image: more is an attack. */
const SUBJECTS_LIMIT = 10_000;

const KIND: DocumentKind = { name: 'in-toto statement', code: 'STATEMENT_INVALID', limit: STATEMENT_SIZE_LIMIT };

/**
 * Writes a statement as BuildKit stores it, compact and without a signature. The same statement always gives the same bytes.
 * @see https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
 */
export function encodeStatement({ subject, predicateType, predicate }: InTotoStatement): Uint8Array {
  const document = { _type: STATEMENT_V1, subject, predicateType, predicate };
  return new TextEncoder().encode(canonicalJson(document));
}

/**
 * Reads a statement of version 1 or 0.1. Its predicate may be any JSON object: `predicateType` says what to look for there.
 * A statement without a predicate has an empty one, as in-toto defines it.
 * @throws OciError `STATEMENT_INVALID` naming the member; `LIMIT_EXCEEDED` beyond 40 MiB
 * @example
 *   const { subject, predicate } = decodeStatement(await readFile('provenance.json'));
 */
export function decodeStatement(bytes: Uint8Array): InTotoStatement {
  return readStatement(bytes, KIND);
}

/** Reads a statement that is part of something else: errors carry its name and code, and its limit holds. */
export function readStatement(bytes: Uint8Array, kind: DocumentKind): InTotoStatement {
  const root = Field.parse(bytes, kind);
  root.refuseCaseVariants(['_type', 'subject', 'predicateType', 'predicate']);
  const type = root.member('_type');
  if (type.string() !== STATEMENT_V1 && type.value !== STATEMENT_V01) {
    type.fail(`is ${JSON.stringify(type.value)}: must be ${STATEMENT_V1} or ${STATEMENT_V01}`);
  }
  const subjects = root.member('subject');
  const items = subjects.items();
  if (items.length > SUBJECTS_LIMIT) subjects.fail(`has ${items.length} entries, the limit is ${SUBJECTS_LIMIT}`);
  const predicateType = root.member('predicateType');
  if (predicateType.string() === '') predicateType.fail('is empty');
  return {
    subject: items.map(decodeSubject),
    predicateType: predicateType.string(),
    predicate: (root.member('predicate').optional((f) => f.record()) ?? {}) as JsonValue,
  };
}

function decodeSubject(field: Field): StatementSubject {
  field.refuseCaseVariants(['name', 'digest']);
  const name = field.member('name').optional((f) => f.string());
  return { ...(name !== undefined && { name }), digest: field.member('digest').stringMap() };
}
