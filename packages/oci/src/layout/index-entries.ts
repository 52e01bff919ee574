import { platformOf } from '../image/index-building.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import type { Platform } from '../spec/platform.ts';
import { familiarName, formatReference, parseReference } from '../spec/reference.ts';
import type { Reference } from '../spec/reference.ts';

/**
 * What an `index.json` says, as a value: one descriptor for each name, and one without a name for a dangling image. All
 * changes are functions from entries to entries.
 */
export type IndexEntries = readonly Descriptor[];

/** containerd's annotation with the complete name: the one that `docker load` on containerd goes by. */
const NAME_ANNOTATION = 'io.containerd.image.name';
/** The specification's annotation (image-spec annotations.md); holds the tag, as BuildKit and containerd write it. */
const REF_NAME_ANNOTATION = 'org.opencontainers.image.ref.name';

/** The annotations that name an image. */
function nameAnnotations(name: Reference): Readonly<Record<string, string>> {
  return {
    [NAME_ANNOTATION]: formatReference(name),
    [REF_NAME_ANNOTATION]: name.tag ?? name.digest ?? 'latest',
  };
}

/**
 * The name of an entry. Tools differ: containerd and Docker write the complete name in their own annotation; skopeo and
 * podman put a name with its tag into the specification's; a lone tag names nothing.
 */
export function entryName(entry: Descriptor): Reference | undefined {
  const complete = entry.annotations?.[NAME_ANNOTATION];
  if (complete !== undefined) return parsed(complete);
  const refName = entry.annotations?.[REF_NAME_ANNOTATION];
  return refName !== undefined && /[:/]/.test(refName) ? parsed(refName) : undefined;
}

/** A name that a foreign tool wrote may follow another grammar; such an image is there, only without a name. */
function parsed(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch {
    return undefined;
  }
}

/** The entry that bears a name. */
export function entryNamed(entries: IndexEntries, name: Reference): Descriptor | undefined {
  const wanted = formatReference(name);
  return entries.find((entry) => {
    const own = entryName(entry);
    return own !== undefined && formatReference(own) === wanted;
  });
}

/** The names of every entry of these manifests, in the entries' order. */
export function namesOf(entries: IndexEntries, manifests: ReadonlySet<Digest>): readonly Reference[] {
  return entries
    .filter((entry) => manifests.has(entry.digest))
    .map(entryName)
    .filter((name) => name !== undefined);
}

/**
 * Gives `manifest` these names, taking them from whatever bore them. An image that loses its last name so stays, dangling.
 * Without names the manifest is added dangling, unless it is there already.
 */
export function withImage(entries: IndexEntries, manifest: Descriptor, names: readonly Reference[]): IndexEntries {
  const taken = new Set(names.map(formatReference));
  const kept: Descriptor[] = [];
  for (const entry of entries) {
    const name = entryName(entry);
    if (name === undefined || !taken.has(formatReference(name))) kept.push(entry);
    else kept.push(withoutName(entry));
  }
  const named = [...taken].toSorted().map((name) => ({
    ...withoutName(manifest),
    annotations: { ...withoutName(manifest).annotations, ...nameAnnotations(parseReference(name)) },
  }));
  return tidy([...kept, ...(named.length > 0 ? named : [withoutName(manifest)])]);
}

/** Takes a name away. The image stays when it has others; else it is gone from the entries. */
export function withoutReference(entries: IndexEntries, name: Reference): IndexEntries {
  const entry = entryNamed(entries, name);
  return entry === undefined ? entries : entries.filter((other) => other !== entry);
}

/** Takes images away, whatever their names. */
export function withoutManifests(entries: IndexEntries, manifests: ReadonlySet<Digest>): IndexEntries {
  return entries.filter((entry) => !manifests.has(entry.digest));
}

/** The descriptor of an image alone: annotations belong to an entry (they name it), not to the image behind it. */
export function bareDescriptor({ mediaType, digest, size, platform }: Descriptor): Descriptor {
  return { mediaType, digest, size, ...(platform !== undefined && { platform }) };
}

/** The annotations of an entry that do not name it. */
export function otherAnnotations(entry: Descriptor | undefined): Readonly<Record<string, string>> {
  return (entry && withoutName(entry).annotations) ?? {};
}

/** `Untagged: …` lines show names as people write them. */
export function untaggedLine(name: Reference): { readonly untagged: string } {
  return { untagged: familiarName(name) };
}

/** At most one nameless entry for each manifest, and none when it has a name. */
function tidy(entries: IndexEntries): IndexEntries {
  const named = new Set(entries.filter((entry) => entryName(entry) !== undefined).map((entry) => entry.digest));
  const dangling = new Set<Digest>();
  return entries.filter((entry) => {
    if (entryName(entry) !== undefined) return true;
    if (named.has(entry.digest) || dangling.has(entry.digest)) return false;
    dangling.add(entry.digest);
    return true;
  });
}

function withoutName(entry: Descriptor): Descriptor {
  const { annotations, ...rest } = entry;
  const others = Object.entries(annotations ?? {}).filter(
    ([key]) => key !== NAME_ANNOTATION && key !== REF_NAME_ANNOTATION,
  );
  return others.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(others) };
}

/** What an image's config says that it runs on, as `index.json` lists it. */
export function listedPlatform(config: Platform): Platform {
  const { os, architecture, ...rest } = platformOf(config);
  return { os, architecture, ...rest };
}
