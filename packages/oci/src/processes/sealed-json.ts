import { createHash } from 'node:crypto';

/** The end of a sealed document: its last member is the sha256 of the document without it. */
const SEAL = /,"checksum":"([0-9a-f]{64})"\}$/;

/**
 * The JSON of an object with its own checksum as the last member. What a power cut or a bad disk changes in it is known,
 * although it may still be JSON of the right shape. The object is not empty, and has no member `checksum`.
 */
export function sealJson(value: object): string {
  const text = JSON.stringify(value);
  return `${text.slice(0, -1)},"checksum":"${sha256(text)}"}`;
}

/** What {@link unsealJson} found. */
export interface UnsealedJson {
  readonly value: unknown;
  /** False for a document without a checksum, as earlier versions wrote it: it may be anything. */
  readonly isSealed: boolean;
}

/** Reads a document that {@link sealJson} made, or JSON without a checksum; undefined when it is damaged. */
export function unsealJson(text: string): UnsealedJson | undefined {
  const seal = SEAL.exec(text);
  const plain = seal === null ? text : `${text.slice(0, seal.index)}}`;
  if (seal !== null && sha256(plain) !== seal[1]) return undefined;
  try {
    return { value: JSON.parse(plain), isSealed: seal !== null };
  } catch {
    return undefined;
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
