import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { RegistryOptions } from '@tsbuild/oci/node';
import { CommandError } from '../host/usage-error.ts';
import type { Host } from '../host/host.ts';
import { canonicalRegistry } from './registry-name.ts';
import { didYouMean } from '../grammar/suggest.ts';

/** Where the configuration is, and whether somebody named it. */
interface ConfigPlace {
  readonly path: string;
  readonly named: boolean;
}

/**
 * How registries are reached: what the configuration file says (mirrors, insecure hosts, authorities), and the environment
 * for proxies and credentials. No file is an empty one, unless TSBUILD_CONFIG names it.
 * @throws CommandError naming the file and the key that is wrong
 */
export async function registryOptions(host: Pick<Host, 'env' | 'cwd'>): Promise<RegistryOptions> {
  const place = configPlace(host);
  const text = readConfig(place);
  return { ...(text === undefined ? {} : decodeConfig(text, place.path)), environment: host.env };
}

/** $TSBUILD_CONFIG, else `tsbuild/config.json` in $XDG_CONFIG_HOME or ~/.config. Absolute. */
function configPlace({ env, cwd }: Pick<Host, 'env' | 'cwd'>): ConfigPlace {
  const given = env['TSBUILD_CONFIG'];
  if (given) return { path: resolve(cwd, given), named: true };
  const folder = env['XDG_CONFIG_HOME'];
  // The XDG specification: a relative path in the variable is to be ignored.
  const base = folder?.startsWith('/') ? folder : join(env['HOME'] || homedir(), '.config');
  return { path: join(base, 'tsbuild/config.json'), named: false };
}

/** At once: the first call to Node's thread pool alone takes longer. */
function readConfig({ path, named }: ConfigPlace): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (!named && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined;
    const why = code === 'ENOENT' ? 'no such file' : cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(`cannot read the configuration ${path}: ${why}`, {
      ...(named ? { hint: 'TSBUILD_CONFIG names it' } : {}),
      cause,
    });
  }
}

function decodeConfig(text: string, path: string): Omit<RegistryOptions, 'environment'> {
  const root = new ConfigValue(parseJson(text, path), '', path);
  const registries = root.members(['registries']).get('registries');
  if (registries === undefined) return {};
  const members = registries.members(['mirrors', 'insecure', 'caFiles']);
  const mirrors = members.get('mirrors');
  const insecure = members.get('insecure');
  const caFiles = members.get('caFiles');
  return {
    ...(mirrors && { mirrors: decodeMirrors(mirrors) }),
    ...(insecure && { insecure: insecure.items().map((item) => item.matching(HOST, 'a host, or host:port')) }),
    ...(caFiles && {
      caFiles: caFiles.items().map((item) => resolve(dirname(path), item.matching(/./, 'the path of a PEM file'))),
    }),
  };
}

const HOST = /^(?:[\w.-]+|\[[\da-f:]+\])(?::\d{1,5})?$/i;
/** A host, perhaps with a scheme before it and a path behind it. */
const MIRROR = /^(?:https?:\/\/)?(?:[\w.-]+|\[[\da-f:]+\])(?::\d{1,5})?(?:\/[\w./-]*)?$/i;

function decodeMirrors(mirrors: ConfigValue): Readonly<Record<string, readonly string[]>> {
  const decoded = new Map<string, readonly string[]>();
  for (const [name, hosts] of mirrors.members()) {
    if (!HOST.test(name)) hosts.fail('is not a registry: expected a host, or host:port');
    const registry = canonicalRegistry(name);
    if (decoded.has(registry)) hosts.fail(`is for ${registry}, which is already listed under another name`);
    decoded.set(
      registry,
      hosts.items().map((item) => item.matching(MIRROR, 'a host, host:port, or http(s)://host/path')),
    );
  }
  return Object.fromEntries(decoded);
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(`${path} is not a JSON document: ${why}`, { cause });
  }
}

/** A value of the file with the key that leads to it, for errors. */
class ConfigValue {
  readonly #value: unknown;
  readonly #key: string;
  readonly #path: string;

  constructor(value: unknown, key: string, path: string) {
    this.#value = value;
    this.#key = key;
    this.#path = path;
  }

  /** The members of an object; with `known`, no others than these. */
  members(known?: readonly string[]): ReadonlyMap<string, ConfigValue> {
    const value = this.#value;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return this.fail('must be an object');
    const members = new Map<string, ConfigValue>();
    for (const [name, member] of Object.entries(value)) {
      if (known !== undefined && !known.includes(name)) this.#unknown(name, known);
      const key = known === undefined ? `${this.#key}[${JSON.stringify(name)}]` : this.#below(name);
      members.set(name, new ConfigValue(member, key, this.#path));
    }
    return members;
  }

  items(): readonly ConfigValue[] {
    if (!Array.isArray(this.#value)) return this.fail('must be a list, […]');
    return this.#value.map((item: unknown, index) => new ConfigValue(item, `${this.#key}[${index}]`, this.#path));
  }

  matching(pattern: RegExp, what: string): string {
    const value = this.#value;
    return typeof value === 'string' && pattern.test(value) ? value : this.fail(`must be ${what}`);
  }

  fail(problem: string): never {
    throw new CommandError(`${this.#path}: ${this.#key === '' ? 'the document' : this.#key} ${problem}`);
  }

  #unknown(name: string, known: readonly string[]): never {
    const hint = didYouMean(name, known) ?? `known keys: ${known.join(', ')}`;
    throw new CommandError(`${this.#path}: unknown key ${this.#below(name)}`, { hint });
  }

  #below(name: string): string {
    return this.#key === '' ? name : `${this.#key}.${name}`;
  }
}
