import type { ByteString } from '@tsbuild/oci';

/** Where package managers keep what they may fetch again; paths without the leading slash. */
const CACHES: readonly (readonly [string, RegExp])[] = [
  ['apt', /^var\/(?:lib\/apt\/lists|cache\/apt)\//],
  ['apk', /^(?:var\/cache|etc)\/(?:apk|apk\/cache)\/.*(?:APKINDEX|\.apk)/],
  ['dnf', /^var\/cache\/(?:dnf|yum|libdnf5)\//],
  ['zypper', /^var\/cache\/zypp\//],
  ['pacman', /^var\/cache\/pacman\/pkg\//],
  ['npm', /(?:^|\/)\.npm\/_cacache\//],
  ['yarn', /^usr\/local\/share\/\.cache\/yarn\/|^(?:root|home\/[^/]+)\/(?:\.cache\/yarn|\.yarn\/berry\/cache)\//],
  ['pnpm', /^(?:root|home\/[^/]+)\/\.cache\/pnpm\//],
  ['bun', /^(?:root|home\/[^/]+)\/\.bun\/install\/cache\//],
  ['pip', /^(?:root|home\/[^/]+)\/\.cache\/pip\//],
  ['uv', /^(?:root|home\/[^/]+)\/\.cache\/uv\//],
  // Not all of it: poetry's virtual environments are in there, too.
  ['poetry', /^(?:root|home\/[^/]+)\/\.cache\/pypoetry\/(?:artifacts|cache)\//],
  ['conda', /^(?:opt|root|usr\/local)\/(?:mini|micro)?(?:conda|forge|mamba)3?\/pkgs\//],
  // /tmp is the home of Composer's own image.
  ['composer', /^(?:(?:root|home\/[^/]+)\/\.(?:cache\/composer|composer\/cache)|tmp\/cache\/(?:files|repo|vcs))\//],
  ['bundler', /^usr\/local\/bundle\/cache\/.*\.gem$/],
  ['gem', /^(?:usr\/(?:local\/)?lib\/ruby|var\/lib)\/gems\/[^/]+\/cache\/.*\.gem$/],
  [
    'go',
    /^(?:root|home\/[^/]+)\/\.cache\/go-build\/|^(?:(?:root|home\/[^/]+)\/)?go\/pkg\/mod\/cache\/(?:download|vcs)\//,
  ],
  ['cargo', /^(?:usr\/local\/cargo|root\/\.cargo)\/(?:registry\/(?:cache|src)|git\/(?:db|checkouts))\//],
];

/** The map of Yarn's Plug'n'Play: with it a program loads its packages from Yarn's cache, which it needs then. */
export function needsYarnCache(path: ByteString): boolean {
  return /(?:^|\/)\.pnp\.c?js$/.test(path);
}

/** The package manager whose cache a path lies in. */
export function cacheOwner(path: ByteString): string | undefined {
  return CACHES.find(([, pattern]) => pattern.test(path))?.[0];
}

const REMEDIES: Readonly<Record<string, string>> = {
  apt: 'end the RUN with `rm -rf /var/lib/apt/lists/* /var/cache/apt`',
  apk: 'install with `apk add --no-cache`',
  dnf: 'end the RUN with `dnf clean all`',
  zypper: 'end the RUN with `zypper clean --all`',
  pacman: 'end the RUN with `pacman -Scc --noconfirm`',
  npm: 'end the RUN with `npm cache clean --force`, or keep it out with `--mount=type=cache,target=/root/.npm`',
  yarn: 'end the RUN with `yarn cache clean`',
  pnpm: 'keep it out with `--mount=type=cache,target=/root/.cache/pnpm`',
  bun: 'keep it out with `--mount=type=cache,target=/root/.bun/install/cache`',
  pip: 'install with `pip install --no-cache-dir`, or keep it out with `--mount=type=cache,target=/root/.cache/pip`',
  uv: 'install with `uv --no-cache`, or keep it out with `--mount=type=cache,target=/root/.cache/uv`',
  poetry:
    'install with `poetry install --no-cache`, or keep it out with `--mount=type=cache,target=/root/.cache/pypoetry`',
  conda: 'end the RUN with `conda clean --all --yes`',
  composer: 'keep it out with `--mount=type=cache,target=/root/.composer/cache`',
  bundler: 'end the RUN with `rm -rf /usr/local/bundle/cache`',
  gem: 'end the RUN with `rm -rf "$(gem env gemdir)"/cache`',
  go: 'keep it out with `--mount=type=cache,target=/root/.cache/go-build` and `--mount=type=cache,target=/go/pkg/mod`, or build in an earlier stage',
  cargo: 'keep it out with `--mount=type=cache,target=/usr/local/cargo/registry`, or build in an earlier stage',
};

/** What to do about the cache of a package manager. */
export function cacheRemedy(owner: string): string {
  return REMEDIES[owner] ?? 'keep it out with RUN --mount=type=cache';
}
