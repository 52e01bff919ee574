import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { OciError, type SignerKey, signerKey, type VerifierKey, verifierKey } from '@tsbuild/oci/node';
import { CommandError, UsageError } from '../host/usage-error.ts';
import type { Host } from '../host/host.ts';

/** How a push signs. */
export interface PushSigning {
  readonly key: SignerKey;
  /** Milliseconds since 1970. */
  readonly created: number;
}

/** A key is some hundred bytes. */
const KEY_LIMIT = 64 * 1024;

/** `--sign key=FILE`. @throws UsageError, CommandError */
export function pushSigning(text: string, host: Host, command: string): PushSigning {
  const place = /^key=(.+)$/s.exec(text)?.[1];
  if (place === undefined) {
    throw new UsageError(`invalid --sign ${JSON.stringify(text)}: expected key=FILE or key=env://VARIABLE`, {
      command,
    });
  }
  return { key: signerKeyAt(place, host), created: signingTime(host) };
}

/** The private key in a file, or `env://VARIABLE`. @throws CommandError */
export function signerKeyAt(place: string, host: Host): SignerKey {
  return keyAt(place, host, signerKey);
}

/** The public key in a file, `env://VARIABLE`, or `ed25519:…` itself. @throws CommandError */
export function verifierKeyAt(place: string, host: Host): VerifierKey {
  return keyAt(place, host, verifierKey);
}

/** When a signature says that it was made: SOURCE_DATE_EPOCH, else now. */
export function signingTime({ env, now }: Host): number {
  const epoch = env['SOURCE_DATE_EPOCH'] ?? '';
  return /^\d{1,12}$/.test(epoch) ? Number(epoch) * 1000 : now();
}

function keyAt<Key>(place: string, host: Host, parse: (text: string) => Key): Key {
  try {
    return parse(textAt(place, host));
  } catch (error) {
    if (!(error instanceof OciError) || error.code !== 'KEY_INVALID') throw error;
    throw new CommandError(`cannot use the key ${place}: ${error.message}`, {
      hint: 'tsbuild image keygen FILE makes a pair of keys',
      cause: error,
    });
  }
}

function textAt(place: string, { cwd, env }: Host): string {
  if (place.startsWith('ed25519:')) return place;
  const variable = /^env:\/\/(.+)$/s.exec(place)?.[1];
  if (variable !== undefined) {
    const value = env[variable];
    if (value !== undefined && value !== '') return value.replaceAll('\\n', '\n');
    throw new CommandError(`cannot read the key: the variable ${variable} is not set`);
  }
  try {
    const bytes = readFileSync(resolve(cwd, place));
    if (bytes.length <= KEY_LIMIT) return bytes.toString('utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    const why = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'it is a directory' : String(cause);
    throw new CommandError(`cannot read the key ${place}: ${why}`, { cause });
  }
  throw new CommandError(`cannot use the key ${place}: the file is far too large for a key`);
}
