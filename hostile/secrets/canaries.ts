import { randomBytes } from 'node:crypto';

/** The secrets of a build, and how each gets to tsbuild. */
const CANARY_NAMES = [
  'secret file',
  'secret variable',
  'what an SSH agent says',
  'password of a registry',
  'token of a registry',
  'identity token',
  'another login in the Docker configuration',
  'password in a URL',
  'password in the URL of a git repository',
  'token of a git host that redirects to another',
  'password of a proxy',
  'variable of the build’s environment',
  'signature in the URL of a redirect',
] as const;

export type CanaryName = (typeof CANARY_NAMES)[number];

/** Random words, with characters that every encoding writes in its own way. */
export class Canaries {
  readonly values: ReadonlyMap<CanaryName, string>;
  readonly #used = new Set<CanaryName>();

  constructor() {
    this.values = new Map(
      CANARY_NAMES.map((name) => [name, `c+${randomBytes(9).toString('hex')}~${randomBytes(9).toString('hex')}`]),
    );
  }

  get(name: CanaryName): string {
    return this.values.get(name) ?? '';
  }

  /** Notes that a canary was really used: one that never was proves nothing. */
  see(name: CanaryName, text: string | undefined): boolean {
    const there =
      text?.includes(this.get(name)) === true || text?.includes(encodeURIComponent(this.get(name))) === true;
    if (there) this.#used.add(name);
    return there;
  }

  /** As {@link see}, in a header of basic authentication. */
  seeBasic(name: CanaryName, header: string | undefined): boolean {
    return this.see(name, Buffer.from(header?.replace(/^Basic /i, '') ?? '', 'base64').toString());
  }

  use(name: CanaryName): void {
    this.#used.add(name);
  }

  get unused(): readonly CanaryName[] {
    return CANARY_NAMES.filter((name) => !this.#used.has(name));
  }
}
