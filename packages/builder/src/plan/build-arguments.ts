import type { Platform } from '@tsbuild/oci';
import { type ExpandOptions, expandWord } from '../dockerfile/words.ts';
import type { ArgInstruction } from '../dockerfile/instruction.ts';
import { BuildError } from '../diagnostics/build-error.ts';

/** Build arguments that every RUN sees without ARG, and that stay out of the cache key and the history. */
const PROXY_ARGUMENTS: readonly string[] = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'];

/** Arguments that configure the build itself and need no ARG to be consumed. */
const BUILTIN = /^(?:BUILDKIT_.*|SOURCE_DATE_EPOCH)$/;

/** The values given by `--build-arg`, and which of them an ARG asked for. */
export class BuildArguments {
  readonly #values: ReadonlyMap<string, string>;
  readonly #consumed = new Set<string>();

  /** An argument given without value takes the caller's environment; without that it counts as not given. */
  constructor(
    given: ReadonlyMap<string, string | undefined>,
    environment: Readonly<Record<string, string | undefined>>,
  ) {
    const values = new Map<string, string>();
    for (const [name, value] of given) {
      const effective = value ?? (Object.hasOwn(environment, name) ? environment[name] : undefined);
      if (effective !== undefined) values.set(name, effective);
    }
    this.#values = values;
  }

  get(name: string): string | undefined {
    if (this.#values.has(name)) this.#consumed.add(name);
    return this.#values.get(name);
  }

  /** The proxy settings among the arguments, in both cases, as RUN gets them. */
  proxies(): readonly string[] {
    const out: string[] = [];
    for (const upper of PROXY_ARGUMENTS) {
      const lower = upper.toLowerCase();
      const value = this.#values.get(upper) ?? this.#values.get(lower);
      if (value !== undefined) out.push(`${upper}=${value}`, `${lower}=${value}`);
    }
    return out;
  }

  /**
   * The host name that commands see: `BUILDKIT_SANDBOX_HOSTNAME`, else BuildKit's, so that what records it stays the same.
   * @throws BuildError `OPTION_INVALID`
   */
  hostname(): string {
    const name = this.#values.get('BUILDKIT_SANDBOX_HOSTNAME') || 'buildkitsandbox';
    if (/^[a-z0-9][a-z0-9.-]{0,62}$/i.test(name)) return name;
    throw new BuildError('OPTION_INVALID', `invalid BUILDKIT_SANDBOX_HOSTNAME ${JSON.stringify(name)}`, {
      hint: 'a host name has at most 63 letters, digits, hyphens and dots',
    });
  }

  /** Names that no ARG consumed: most often a misspelling. */
  unconsumed(): readonly string[] {
    const proxies = new Set(PROXY_ARGUMENTS.flatMap((name) => [name, name.toLowerCase()]));
    return [...this.#values.keys()].filter(
      (name) => !this.#consumed.has(name) && !proxies.has(name) && !BUILTIN.test(name),
    );
  }
}

/** ARGs before the first FROM, evaluated in order over the platform arguments. */
export class GlobalArguments {
  readonly #values = new Map<string, string>();

  constructor(
    args: readonly ArgInstruction[],
    build: BuildArguments,
    predefined: ReadonlyMap<string, string>,
    options: ExpandOptions,
  ) {
    for (const [name, value] of predefined) this.#values.set(name, build.get(name) ?? value);
    for (const { name, value } of args.flatMap((instruction) => instruction.args)) {
      const given = build.get(name);
      if (given !== undefined) this.#values.set(name, given);
      else if (value !== undefined)
        this.#values.set(
          name,
          expandWord(value, (key) => this.#values.get(key), options),
        );
    }
  }

  get(name: string): string | undefined {
    return this.#values.get(name);
  }
}

/** The arguments that exist without being given: BUILD…, TARGET… and TARGETSTAGE. */
export function platformArguments(build: Platform, target: Platform, stage: string): ReadonlyMap<string, string> {
  const of = (prefix: string, platform: Platform): [string, string][] => [
    [`${prefix}PLATFORM`, [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/')],
    [`${prefix}OS`, platform.os],
    [`${prefix}OSVERSION`, ''],
    [`${prefix}ARCH`, platform.architecture],
    [`${prefix}VARIANT`, platform.variant ?? ''],
  ];
  return new Map([...of('BUILD', build), ...of('TARGET', target), ['TARGETSTAGE', stage]]);
}
