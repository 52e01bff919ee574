/** Every code an {@link OciError} can carry. Codes are stable; messages are for people. */
export type OciErrorCode =
  | 'ARCHIVE_INVALID'
  | 'BLOB_CORRUPT'
  | 'BLOB_NOT_FOUND'
  | 'CONFIG_INVALID'
  | 'DIGEST_INVALID'
  | 'IMAGE_AMBIGUOUS'
  | 'IMAGE_IN_USE'
  | 'IMAGE_NOT_FOUND'
  | 'INDEX_INVALID'
  | 'KEY_INVALID'
  | 'LAYER_INVALID'
  | 'LAYOUT_INVALID'
  | 'LIMIT_EXCEEDED'
  | 'LOCK_TIMEOUT'
  | 'MANIFEST_INVALID'
  | 'NOT_AN_IMAGE'
  | 'PATH_NOT_FOUND'
  | 'PLATFORM_INVALID'
  | 'REFERENCE_INVALID'
  | 'REGISTRY_CREDENTIALS'
  | 'REGISTRY_DENIED'
  | 'REGISTRY_ERROR'
  | 'REGISTRY_INTERRUPTED'
  | 'REGISTRY_NOT_FOUND'
  | 'REGISTRY_RESPONSE'
  | 'REGISTRY_TIMEOUT'
  | 'REGISTRY_UNREACHABLE'
  | 'REGISTRY_UNSAFE'
  | 'SIGNATURE_INVALID'
  | 'STATEMENT_INVALID'
  | 'STORE_UNWRITABLE'
  | 'TAR_INVALID'
  | 'UNSUPPORTED';

/** The one error class of this package: a stable `code`, plain `fields` for programs, a message for people. */
export class OciError extends Error {
  readonly code: OciErrorCode;
  /** Facts behind the message (digest, path, reference …), so that callers need not parse text. */
  readonly fields: Readonly<Record<string, string | number>>;

  constructor(
    code: OciErrorCode,
    message: string,
    options: { readonly fields?: Readonly<Record<string, string | number>>; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'OciError';
    this.code = code;
    this.fields = options.fields ?? {};
  }
}
