import type { Distribution } from './os-release.ts';
import type { PackageRecord } from './package-record.ts';

/** The parts of a package URL, undecorated; see {@link packageUrl}. */
interface UrlParts {
  readonly namespace?: string;
  readonly name: string;
  readonly version?: string;
  readonly qualifiers?: Readonly<Record<string, string | undefined>>;
  readonly subpath?: string;
}

/**
 * The package URL (purl-spec) of a package: `pkg:deb/debian/curl@7.88.1-10?arch=amd64&distro=debian-12`. Packages of a distribution
 * have its name in theirs, and the qualifiers that vulnerability databases are asked by: `distro`, `upstream`, `arch`, `epoch`.
 */
export function packageUrl(found: PackageRecord, distribution?: Distribution): string {
  const { namespace, name, version, qualifiers = {}, subpath } = partsOf(found, distribution);
  const path = [...(namespace ?? '').split('/'), name].filter((segment) => segment !== '').map(encoded);
  const query = Object.entries(qualifiers)
    .flatMap(([key, value]) => (value === undefined || value === '' ? [] : [`${key}=${encoded(value)}`]))
    .toSorted()
    .join('&');
  const parts = [
    `pkg:${found.type}/${path.join('/')}`,
    version === undefined || version === '' ? '' : `@${encoded(version)}`,
    query === '' ? '' : `?${query}`,
    subpath === undefined || subpath === '' ? '' : `#${subpath.split('/').map(encoded).join('/')}`,
  ];
  return parts.join('');
}

function partsOf(found: PackageRecord, distribution: Distribution | undefined): UrlParts {
  const { type, name, version, group } = found;
  switch (type) {
    case 'deb':
    case 'apk':
    case 'rpm':
      return systemParts(found, distribution);
    case 'pypi':
      // purl-types: names are lower case, with dashes.
      return { name: name.toLowerCase().replaceAll('_', '-'), version };
    case 'golang':
      return goParts(name, version);
    case 'maven':
      return { ...(group !== undefined && { namespace: group }), name, version };
    case 'npm':
    case 'composer': {
      const slash = name.lastIndexOf('/');
      const cased = type === 'composer' ? name.toLowerCase() : name;
      return { namespace: cased.slice(0, Math.max(0, slash)), name: cased.slice(slash + 1), version };
    }
    default:
      return { name, version };
  }
}

function systemParts(found: PackageRecord, distribution: Distribution | undefined): UrlParts {
  const { type, name, version, architecture, source, sourceVersion, epoch } = found;
  const upstream = source === undefined || sourceVersion === undefined ? source : `${source}@${sourceVersion}`;
  const vendor = distribution === undefined ? undefined : vendorOf(distribution.id);
  return {
    ...(vendor !== undefined && { namespace: vendor }),
    name: type === 'rpm' ? name : name.toLowerCase(),
    version,
    qualifiers: {
      arch: architecture,
      distro: distribution && [distribution.id, distribution.version].filter(Boolean).join('-'),
      epoch: epoch?.toString(),
      upstream,
    },
  };
}

/** Red Hat's own name in package URLs is not its ID in os-release. */
function vendorOf(id: string): string {
  return id === 'rhel' ? 'redhat' : id.toLowerCase();
}

/** A module's repository is namespace and name; what lies deeper, and major versions, are the subpath (as syft has it). */
function goParts(module: string, version: string): UrlParts {
  const segments = module.toLowerCase().split('/');
  const told = version === '(devel)' ? {} : { version };
  if (segments.length < 3) return { namespace: segments.slice(0, -1).join('/'), name: segments.at(-1) ?? '', ...told };
  const [host = '', owner = '', name = ''] = segments;
  return { namespace: `${host}/${owner}`, name, ...told, subpath: segments.slice(3).join('/') };
}

/** Percent-encoding by purl-spec: a colon stays, what encodeURIComponent() leaves beside letters and `.-_~` does not. */
export function encoded(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'))
    .replaceAll('%3A', ':')
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
