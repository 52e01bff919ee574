import type { ByteString } from '@tsbuild/oci';
import { isSecretVariable, PLACEHOLDER } from './secret-variable.ts';

/** Larger files are not read. Bytes. */
export const LARGEST_SECRET = 64 * 1024;

/** Files of packages, not of the project: tests and examples with keys that open nothing. */
const FOREIGN =
  /(?:^|\/)(?:node_modules|site-packages|dist-packages|vendor|testdata|__tests__|tests?|fixtures|examples?)\/|^usr\/(?:share|lib)\//;

const PRIVATE_KEY = /^-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/m;
/** What a file of this name holds, and how its content shows it. */
const KINDS: readonly {
  readonly what: string;
  readonly name: RegExp;
  readonly shows: (content: string) => boolean;
}[] = [
  { what: 'a private key', name: /(?:^|\/)id_(?:rsa|dsa|ecdsa|ed25519)$/, shows: (text) => PRIVATE_KEY.test(text) },
  { what: 'a registry token of npm', name: /(?:^|\/)\.npmrc$/, shows: (text) => hasValue(text, /_(?:authToken|auth|password)\s*=\s*(.*)$/) },
  { what: 'a registry token of yarn', name: /(?:^|\/)\.yarnrc\.yml$/, shows: (text) => hasValue(text, /npmAuth(?:Token|Ident):\s*(.*)$/) },
  { what: 'AWS credentials', name: /(?:^|\/)\.aws\/credentials$/, shows: (text) => hasValue(text, /aws_secret_access_key\s*=\s*(.*)$/i) },
  { what: 'a password', name: /(?:^|\/)\.netrc$/, shows: (text) => hasValue(text, /(?:^|\s)password\s+(\S*)/) },
  { what: 'a password', name: /(?:^|\/)\.pypirc$/, shows: (text) => hasValue(text, /^\s*password\s*[=:]\s*(.*)$/) },
  { what: 'a password', name: /(?:^|\/)\.git-credentials$/, shows: (text) => hasValue(text, /^https?:\/\/[^/@:]*:([^/@]*)@/) },
  { what: 'registry credentials', name: /(?:^|\/)\.docker\/config\.json$/, shows: (text) => hasValue(text, /"auth"\s*:\s*"([^"]*)"/) },
  { what: 'secrets', name: /(?:^|\/)\.env(?:\.(?:local|prod|production|staging|development))?$/, shows: showsVariables },
]; // biome-ignore format: one kind a line

/** The kinds of secrets that a file of this path may hold; none for most. */
export function mayHoldSecret(path: ByteString): boolean {
  return !FOREIGN.test(path) && KINDS.some(({ name }) => name.test(path));
}

/** What secret a file holds. By name alone nothing is said: an empty `.npmrc` is no secret. */
export function secretIn(path: ByteString, content: string): string | undefined {
  return KINDS.find(({ name, shows }) => name.test(path) && shows(content))?.what;
}

function hasValue(content: string, pattern: RegExp): boolean {
  return content.split(/\r?\n/).some((line) => {
    const value = pattern.exec(line)?.[1];
    return value !== undefined && !PLACEHOLDER.test(unquote(value));
  });
}

/** Lines `NAME=value` of a `.env` whose name and value say that it is a secret. */
function showsVariables(content: string): boolean {
  return content.split(/\r?\n/).some((line) => {
    const [, name = '', value = ''] = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)$/.exec(line) ?? [];
    return isSecretVariable(name, unquote(value.replace(/(?:^|\s+)#.*$/, '')));
  });
}

function unquote(value: string): string {
  return value.trim().replace(/^(["'])(.*)\1$/, '$2');
}
