/** One page of the site: a Markdown file of the repository. */
export interface PageEntry {
  /** Path in the repository. */
  readonly path: string;
  /** What the sidebar calls it. */
  readonly label: string;
  /** Every heading of the second level becomes a page of its own: for what would be too large as one. */
  readonly split?: true;
}

/** Pages under one heading of the sidebar. */
export interface SiteSection {
  readonly title: string;
  readonly pages: readonly PageEntry[];
}

/**
 * The sidebar, in the order in which somebody new reads. A test compares it with the files, so that a page nobody can find
 * cannot be added.
 */
export const SITE_MAP: readonly SiteSection[] = [
  {
    title: 'Start',
    pages: [
      { path: 'README.md', label: 'tsbuild' },
      { path: 'docs/getting-started.md', label: 'Getting started' },
      { path: 'docs/migrate.md', label: 'From another builder' },
    ],
  },
  {
    title: 'Build',
    pages: [
      { path: 'docs/dockerfile.md', label: 'Dockerfile support' },
      { path: 'docs/build.md', label: 'Contexts and outputs' },
      { path: 'docs/platforms.md', label: 'Several platforms' },
      { path: 'docs/emulation.md', label: 'RUN for another platform' },
      { path: 'docs/progress.md', label: 'Progress' },
      { path: 'docs/checks.md', label: 'Checks' },
      { path: 'docs/builds.md', label: 'History of builds' },
      { path: 'docs/reproducible.md', label: 'Reproducible builds' },
    ],
  },
  {
    title: 'Share',
    pages: [
      { path: 'docs/ci.md', label: 'Containers and CI' },
      { path: 'docs/shared-cache.md', label: 'Sharing the cache' },
      { path: 'docs/registries.md', label: 'Registries' },
      { path: 'docs/image-index.md', label: 'Multi-platform images' },
      { path: 'docs/signing.md', label: 'Signing' },
      { path: 'docs/attestations.md', label: 'Attestations' },
      { path: 'docs/provenance.md', label: 'Schema of a provenance' },
      { path: 'docs/verify.md', label: 'Verifying a checkout' },
    ],
  },
  {
    title: 'Look inside',
    pages: [
      { path: 'docs/layers.md', label: 'What makes an image large' },
      { path: 'docs/explore.md', label: 'An image on a page' },
      { path: 'docs/packages.md', label: 'Packages of an image' },
      { path: 'docs/containers.md', label: 'Containers' },
    ],
  },
  {
    title: 'Library',
    pages: [
      { path: 'docs/library.md', label: 'The library by task' },
      { path: 'packages/oci/README.md', label: '@tsbuild/oci' },
      { path: 'packages/builder/README.md', label: '@tsbuild/builder' },
      { path: 'packages/cli/README.md', label: '@tsbuild/cli' },
      { path: 'docs/api/oci.md', label: 'Interface of @tsbuild/oci', split: true },
    ],
  },
  {
    title: 'Reference',
    pages: [
      { path: 'docs/cli.md', label: 'Commands', split: true },
      { path: 'docs/errors.md', label: 'Errors' },
      { path: 'docs/progress-events.md', label: 'Progress events' },
      { path: 'docs/store.md', label: 'The store' },
      { path: 'docs/conformance.md', label: 'Compared with BuildKit', split: true },
      { path: 'bench/README.md', label: 'Speed' },
      { path: 'CHANGELOG.md', label: 'Changelog' },
    ],
  },
  {
    title: 'Security',
    pages: [
      { path: 'SECURITY.md', label: 'Security' },
      { path: 'docs/security.md', label: 'Threat model' },
      { path: 'docs/fuzzing.md', label: 'Fuzzing' },
    ],
  },
  {
    title: 'Work on it',
    pages: [
      { path: 'CONTRIBUTING.md', label: 'Contributing' },
      { path: 'ARCHITECTURE.md', label: 'Architecture' },
      { path: 'GLOSSARY.md', label: 'Glossary' },
      { path: 'conformance/README.md', label: 'Conformance cases' },
      { path: 'fixtures/README.md', label: 'Fixtures' },
      { path: 'fixtures/schemas/README.md', label: 'Schemas for tests' },
      { path: 'docs/decisions/README.md', label: 'Decisions' },
      { path: 'docs/decisions/0001-own-tar-codec.md', label: '1. An own tar codec' },
      { path: 'docs/decisions/0002-own-argument-parser.md', label: '2. An own argument parser' },
      { path: 'docs/decisions/0003-execa.md', label: '3. execa' },
      { path: 'docs/decisions/0004-own-dockerfile-parser.md', label: '4. An own Dockerfile parser' },
      { path: 'docs/decisions/0005-two-sha256.md', label: '5. Two SHA-256' },
      { path: 'docs/decisions/0006-no-daemon.md', label: '6. No daemon' },
      { path: 'docs/decisions/0007-times.md', label: '7. Times' },
      { path: 'docs/decisions/0008-store-is-an-oci-layout.md', label: '8. The store is a layout' },
      { path: 'docs/decisions/0009-util-linux-and-runc.md', label: '9. util-linux and runc' },
      { path: 'docs/decisions/0010-small-own-code.md', label: '10. Small own code' },
    ],
  },
];

/** Every page, in the order of the sidebar. */
export function allPages(): readonly PageEntry[] {
  return SITE_MAP.flatMap(({ pages }) => pages);
}
