import { isDigest } from './digest.ts';
import type { Digest } from './digest.ts';
import { OciError } from './oci-error.ts';

/**
 * The name of an image, complete: `my-app` is `docker.io` / `library/my-app` / `latest`. After parsing there is a tag,
 * a digest or both.
 */
export interface Reference {
  /** Host and optional port: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** Path within the registry: `library/my-app`. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const DEFAULT_REGISTRY = 'docker.io';
const DEFAULT_NAMESPACE = 'library/';
const REPOSITORY_LENGTH_LIMIT = 255;

// The grammar of the distribution project's reference package; all anchored, none can backtrack badly.
const DOMAIN_PART = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = new RegExp(`^(?:${DOMAIN_PART}(?:\\.${DOMAIN_PART})*|\\[(?:[a-fA-F0-9:]+)\\])(?::[0-9]+)?$`);
const PATH_PART = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;

/**
 * Reads an image name as people write it (`my-app`, `ghcr.io/me/app:1.2`, `app@sha256:…`). The tag is `latest` when
 * neither a tag nor a digest is given.
 * @throws OciError `REFERENCE_INVALID`
 */
export function parseReference(text: string): Reference {
  const refuse = (why: string): never => {
    throw new OciError('REFERENCE_INVALID', `invalid reference format: ${why} in "${abbreviate(text)}"`, {
      fields: { reference: text },
    });
  };
  if (text === '') throw new OciError('REFERENCE_INVALID', 'invalid reference format: the image name is empty');
  if (/^[0-9a-f]{64}$/.test(text)) refuse('a name cannot be 64 hexadecimal digits (is it an image ID?)');
  const { name, tag, digest } = splitSuffixes(text);
  if (digest !== undefined && !isDigest(digest)) refuse('the digest is not sha256:<64 hexadecimal digits>');
  if (tag !== undefined && !TAG.test(tag)) refuse(`the tag "${abbreviate(tag)}" is not valid`);
  const { registry, repository } = splitRegistry(name);
  if (!DOMAIN.test(registry)) refuse(`the registry "${abbreviate(registry)}" is not valid`);
  checkRepository(repository, refuse);
  const known = isDigest(digest) ? { digest } : {};
  if (tag !== undefined) return { registry, repository, tag, ...known };
  return digest === undefined ? { registry, repository, tag: 'latest' } : { registry, repository, ...known };
}

function splitSuffixes(text: string): { name: string; tag: string | undefined; digest: string | undefined } {
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const rest = at < 0 ? text : text.slice(0, at);
  // A colon before the last slash belongs to the registry's port.
  const colon = rest.lastIndexOf(':');
  if (colon <= rest.lastIndexOf('/')) return { name: rest, tag: undefined, digest };
  return { name: rest.slice(0, colon), tag: rest.slice(colon + 1), digest };
}

/** The first component is a registry when it looks like a host: with a dot or colon, `localhost`, or upper case. */
function splitRegistry(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const registry = isHost(first) ? first : DEFAULT_REGISTRY;
  const repository = isHost(first) ? name.slice(slash + 1) : name;
  if (registry !== DEFAULT_REGISTRY && registry !== 'index.docker.io') return { registry, repository };
  const official = !repository.includes('/');
  return { registry: DEFAULT_REGISTRY, repository: official ? DEFAULT_NAMESPACE + repository : repository };
}

function isHost(first: string): boolean {
  return /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
}

function checkRepository(repository: string, refuse: (why: string) => never): void {
  if (repository.length > REPOSITORY_LENGTH_LIMIT) {
    refuse(`the repository name is longer than ${REPOSITORY_LENGTH_LIMIT} characters`);
  }
  for (const part of repository.split('/')) {
    if (PATH_PART.test(part)) continue;
    if (PATH_PART.test(part.toLowerCase())) refuse('repository name must be lowercase');
    refuse(part === '' ? 'a part of the repository name is empty' : `"${abbreviate(part)}" is not a repository name`);
  }
}

/** The complete name: `docker.io/library/my-app:latest`. */
export function formatReference(reference: Reference): string {
  return `${reference.registry}/${reference.repository}${suffix(reference)}`;
}

/** The name as people and `docker images` write it: `my-app:latest`. Parses back to the same reference. */
export function familiarName(reference: Reference): string {
  return familiarRepository(reference) + suffix(reference);
}

/** The familiar name without tag and digest: `my-app`, the REPOSITORY column of `docker images`. */
export function familiarRepository(reference: Reference): string {
  const { registry, repository } = reference;
  if (registry !== DEFAULT_REGISTRY) return `${registry}/${repository}`;
  const short = repository.startsWith(DEFAULT_NAMESPACE) ? repository.slice(DEFAULT_NAMESPACE.length) : repository;
  // `docker.io/library/a/b` would read back as `docker.io/a/b`: only a single component may be shortened.
  if (!short.includes('/')) return short;
  // `docker.io/localhost/a` without its registry would be read as another registry's.
  return isHost(repository.slice(0, repository.indexOf('/'))) ? `${registry}/${repository}` : repository;
}

function suffix({ tag, digest }: Reference): string {
  return (tag === undefined ? '' : `:${tag}`) + (digest === undefined ? '' : `@${digest}`);
}

/** Hostile names are repeated in messages only in part. */
function abbreviate(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
