import { OciError } from './oci-error.ts';
import type { OciErrorCode } from './oci-error.ts';

/** What a JSON document is called in messages, and the code its errors carry. */
export interface DocumentKind {
  readonly name: string;
  readonly code: OciErrorCode;
  /** Bytes that a document may have; {@link DOCUMENT_SIZE_LIMIT} unless told. */
  readonly limit?: number;
}

/**
 * The largest JSON document that is read, in bytes. The distribution-spec asks registries to take manifests of at least
 * 4 MiB; more than this is an attempt to fill the memory.
 */
export const DOCUMENT_SIZE_LIMIT = 8 * 1024 * 1024;

/** How deep a document may be nested: whoever walks one by recursion must not run out of stack. Real ones stay below ten. */
const DEPTH_LIMIT = 200;

/** Of a path in a message; a hostile one may be as long as the document. */
const PATH_SHOWN = 200;

/**
 * One value of a JSON document together with its path, so that a wrong value is reported as
 * `manifest: layers[2].size must be a non-negative integer`. Every accessor throws an OciError with the kind's code.
 */
export class Field {
  readonly value: unknown;
  readonly path: string;
  readonly kind: DocumentKind;

  constructor(value: unknown, path: string, kind: DocumentKind) {
    this.value = value;
    this.path = path;
    this.kind = kind;
  }

  /** Decodes UTF-8 JSON text strictly. @throws OciError of the kind's code, `LIMIT_EXCEEDED` when too large */
  static parse(bytes: Uint8Array, kind: DocumentKind): Field {
    const { limit = DOCUMENT_SIZE_LIMIT } = kind;
    if (bytes.length > limit) {
      throw new OciError('LIMIT_EXCEEDED', `${kind.name}: ${bytes.length} bytes, the limit is ${limit}`);
    }
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch (cause) {
      throw new OciError(kind.code, `${kind.name}: not a JSON document (${messageOf(cause)})`, { cause });
    }
    const extreme = findExtreme(value, 0);
    if (extreme !== undefined) new Field(value, extreme.path, kind).fail(extreme.problem);
    return new Field(value, '', kind);
  }

  /** Null counts as absent, as it does for every optional field that Go's encoder writes. */
  get present(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  fail(problem: string): never {
    const where = this.path === '' ? '' : `${this.path} `;
    throw new OciError(this.kind.code, `${this.kind.name}: ${where}${problem}`, { fields: { path: this.path } });
  }

  record(): Readonly<Record<string, unknown>> {
    const { value } = this;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return this.fail('must be an object');
    return value as Record<string, unknown>;
  }

  /** A member; absent members come back as a field that is not `present`. Only own properties count. */
  member(key: string): Field {
    const record = this.record();
    const path = this.path === '' ? key : `${this.path}.${key}`;
    return new Field(Object.hasOwn(record, key) ? record[key] : undefined, path, this.kind);
  }

  /** The members of a map, in no particular order. */
  members(): readonly (readonly [string, Field])[] {
    return Object.entries(this.record()).map(([key, value]) => [
      key,
      new Field(value, `${this.path}[${JSON.stringify(key)}]`, this.kind),
    ]);
  }

  items(): readonly Field[] {
    if (!Array.isArray(this.value)) return this.fail('must be an array');
    return this.value.map((value: unknown, i) => new Field(value, `${this.path}[${i}]`, this.kind));
  }

  string(): string {
    return typeof this.value === 'string' ? this.value : this.fail('must be a string');
  }

  boolean(): boolean {
    return typeof this.value === 'boolean' ? this.value : this.fail('must be true or false');
  }

  integer(): number {
    return Number.isSafeInteger(this.value) ? (this.value as number) : this.fail('must be an integer');
  }

  /** A byte count. JSON numbers beyond 2^53 would be rounded in silence, so they are refused. */
  size(): number {
    const { value } = this;
    if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
    return this.fail('must be a non-negative integer');
  }

  strings(): readonly string[] {
    return this.items().map((item) => item.string());
  }

  stringMap(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.members().map(([key, field]) => [key, field.string()]));
  }

  /** Applies a decoder to a present value; undefined when absent or null. */
  optional<T>(decode: (field: Field) => T): T | undefined {
    return this.present ? decode(this) : undefined;
  }

  /**
   * Refuses keys that differ from known ones only by case: Go's decoder takes `Layers` for `layers`, ours does not, and a
   * document that two readers understand differently is an attack (CVE-2021-41190 is of this kind).
   */
  refuseCaseVariants(known: readonly string[]): void {
    for (const key of Object.keys(this.record())) {
      const lower = key.toLowerCase();
      const meant = known.find((name) => name !== key && name.toLowerCase() === lower);
      if (meant !== undefined && !known.includes(key)) this.fail(`has the key "${key}": must be written "${meant}"`);
    }
  }
}

/** What JSON can say and nobody can write again: nesting without end, and numbers such as 1e400, read as Infinity. */
function findExtreme(value: unknown, depth: number): { readonly path: string; readonly problem: string } | undefined {
  if (typeof value === 'number' && !Number.isFinite(value)) return { path: '', problem: 'is a number out of range' };
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth === DEPTH_LIMIT) return { path: '', problem: `is nested more than ${DEPTH_LIMIT} deep` };
  for (const [key, inner] of Object.entries(value)) {
    const found = findExtreme(inner, depth + 1);
    if (found === undefined) continue;
    const path = Array.isArray(value) ? `[${key}]${found.path}` : `${depth === 0 ? '' : '.'}${key}${found.path}`;
    return { path: path.slice(0, PATH_SHOWN), problem: found.problem };
  }
  return undefined;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
