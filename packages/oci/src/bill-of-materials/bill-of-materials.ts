import type { Distribution } from '../package-records/os-release.ts';
import { packageUrl } from '../package-records/package-url.ts';
import type { PackageRecord } from '../package-records/package-record.ts';
import { canonicalJson } from '../spec/canonical-json.ts';
import { type Digest, digestHex, sha256Digest } from '../spec/digest.ts';

/** A package as a bill of materials lists it. */
export interface ListedPackage extends PackageRecord {
  /** The file that tells of it, UTF-8, relative to the root. */
  readonly path: string;
  /** The diffID of the layer that added it. */
  readonly layer?: Digest;
  /** Which instruction added it, for people: `Dockerfile:4 RUN apt-get install curl`. */
  readonly origin?: string;
}

/** Everything that a document lists. The same value always gives the same bytes. */
export interface BillOfMaterials {
  /** The image's name. */
  readonly name: string;
  /** The digest of its manifest. */
  readonly digest: Digest;
  /** RFC 3339, UTC, whole seconds: of the image or from SOURCE_DATE_EPOCH, never the clock. */
  readonly created: string;
  readonly tool: { readonly name: string; readonly version: string };
  readonly distribution?: Distribution;
  readonly packages: readonly ListedPackage[];
  /** What could not be read, for people; the document says so. */
  readonly gaps: readonly string[];
}

/** What stands for one package in a document: the same package in two places has two. */
export interface DocumentPackage {
  readonly listed: ListedPackage;
  readonly purl: string;
  /** Sixteen hexadecimal digits that depend on the package and its place alone. */
  readonly hash: string;
}

/** The packages of a document, each once, in a fixed order. */
export function documentPackages({ packages, distribution }: BillOfMaterials): readonly DocumentPackage[] {
  const found = new Map<string, DocumentPackage>();
  for (const listed of packages) {
    const purl = packageUrl(listed, distribution);
    const hash = shortHash([purl, listed.path, listed.within ?? '']);
    if (!found.has(hash)) found.set(hash, { listed, purl, hash });
  }
  return [...found.values()].toSorted((a, b) => (a.purl + a.hash < b.purl + b.hash ? -1 : 1));
}

/** A digest of the whole value, for names that must be another for another document. */
export function documentDigest(bill: BillOfMaterials): string {
  const { gaps, name, digest, created, tool, distribution } = bill;
  const packages = documentPackages(bill).map(({ hash, listed }) => [hash, listed.layer ?? '', listed.origin ?? '']);
  const os = distribution === undefined ? [] : Object.entries(distribution).flat();
  return digestHex(
    sha256Digest(canonicalJson({ name, digest, created, tool: { ...tool }, os, packages, gaps: [...gaps] })),
  );
}

/** Sixteen hexadecimal digits that stand for these texts. */
export function shortHash(texts: readonly string[]): string {
  return digestHex(sha256Digest(canonicalJson([...texts]))).slice(0, 16);
}

/** Where a package was found, `/path` or `/path!inside`. */
export function packagePlace({ path, within }: ListedPackage): string {
  return within === undefined ? `/${path}` : `/${path}!${within}`;
}
