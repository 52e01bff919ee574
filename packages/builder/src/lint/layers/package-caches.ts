import type { ByteString } from '@tsbuild/oci';

/** Where package managers keep what they may fetch again; paths without the leading slash. */
const CACHES: readonly (readonly [string, RegExp])[] = [
  ['apt', /^var\/(?:lib\/apt\/lists|cache\/apt)\//],
  ['apk', /^(?:var\/cache|etc)\/(?:apk|apk\/cache)\/.*(?:APKINDEX|\.apk)/],
  ['dnf', /^var\/cache\/(?:dnf|yum|libdnf5)\//],
  ['npm', /(?:^|\/)\.npm\/_cacache\//],
  ['yarn', /^usr\/local\/share\/\.cache\/yarn\/|^(?:root|home\/[^/]+)\/(?:\.cache\/yarn|\.yarn\/berry\/cache)\//],
  ['pip', /^(?:root|home\/[^/]+)\/\.cache\/pip\//],
  ['uv', /^(?:root|home\/[^/]+)\/\.cache\/uv\//],
  ['composer', /^(?:root|home\/[^/]+)\/\.(?:cache\/composer|composer\/cache)\//],
  ['bundler', /^usr\/local\/bundle\/cache\/.*\.gem$/],
  ['go', /^(?:root|home\/[^/]+)\/\.cache\/go-build\//],
  ['cargo', /^(?:usr\/local\/cargo|root\/\.cargo)\/registry\/(?:cache|src)\//],
];

/** The package manager whose cache a path lies in. */
export function cacheOwner(path: ByteString): string | undefined {
  return CACHES.find(([, pattern]) => pattern.test(path))?.[0];
}

const REMEDIES: Readonly<Record<string, string>> = {
  apt: 'end the RUN with `rm -rf /var/lib/apt/lists/* /var/cache/apt`',
  apk: 'install with `apk add --no-cache`',
  dnf: 'end the RUN with `dnf clean all`',
  npm: 'end the RUN with `npm cache clean --force`, or keep it out with `--mount=type=cache,target=/root/.npm`',
  yarn: 'end the RUN with `yarn cache clean`',
  pip: 'install with `pip install --no-cache-dir`, or keep it out with `--mount=type=cache,target=/root/.cache/pip`',
  uv: 'install with `uv --no-cache`, or keep it out with `--mount=type=cache,target=/root/.cache/uv`',
  composer: 'keep it out with `--mount=type=cache,target=/root/.composer/cache`',
  bundler: 'end the RUN with `rm -rf /usr/local/bundle/cache`',
  go: 'keep it out with `--mount=type=cache,target=/root/.cache/go-build`, or build in an earlier stage',
  cargo: 'keep it out with `--mount=type=cache,target=/usr/local/cargo/registry`, or build in an earlier stage',
};

/** What to do about the cache of a package manager. */
export function cacheRemedy(owner: string): string {
  return REMEDIES[owner] ?? 'keep it out with RUN --mount=type=cache';
}
