import { isDigest } from './digest.ts';
import type { Digest } from './digest.ts';
import { canonicalJson } from './canonical-json.ts';
import { Field } from './json-document.ts';
import type { DocumentKind } from './json-document.ts';

/** An image's configuration (image-spec config.md). Members that it does not name survive decoding and encoding. */
export interface ImageConfig {
  /** Go's name; empty when the document does not say, as in some very old images. */
  readonly architecture: string;
  /** Go's name; `linux` when the document does not say. */
  readonly os: string;
  /** Of the architecture: `v7`, `v8`. */
  readonly variant?: string;
  /** Of Windows: `10.0.20348.2582`. */
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
  /** RFC 3339 with up to nanoseconds, kept as written. */
  readonly created?: string;
  readonly author?: string;
  readonly config?: ContainerConfig;
  readonly rootfs: RootfsLayers;
  /** Oldest first. */
  readonly history?: readonly HistoryEntry[];
}

/** The uncompressed layers' digests, lowest first. */
export interface RootfsLayers {
  readonly type: 'layers';
  readonly diff_ids: readonly Digest[];
}

/** One step of an image's history. Entries without `empty_layer` correspond one to one to the layers. */
export interface HistoryEntry {
  /** RFC 3339, kept as written. */
  readonly created?: string;
  /** The instruction or command. */
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  /** True for a step that changed the config only. */
  readonly empty_layer?: boolean;
}

/** How a container of the image starts: the `config` member, with Docker's additions. */
export interface ContainerConfig {
  /** `user`, `uid`, `user:group`, `uid:gid`. */
  readonly User?: string;
  /** Keys like `80/tcp`; values are empty objects, as are those of `Volumes`. */
  readonly ExposedPorts?: Readonly<Record<string, EmptyObject>>;
  /** `NAME=value` each. */
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  /** Arguments of the entry point, or the whole command without one. */
  readonly Cmd?: readonly string[];
  readonly Volumes?: Readonly<Record<string, EmptyObject>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  /** `SIGTERM` or a number. */
  readonly StopSignal?: string;
  /** Of Windows: the command is one line that is escaped already. */
  readonly ArgsEscaped?: boolean;
  readonly Healthcheck?: Healthcheck;
  /** Instructions for builds that start from the image. */
  readonly OnBuild?: readonly string[];
  /** What runs commands in shell form, `['/bin/sh', '-c']`. */
  readonly Shell?: readonly string[];
}

/** The value of a set's members, as Go encodes `map[string]struct{}`. */
export type EmptyObject = Readonly<Record<string, never>>;

/** Docker's HEALTHCHECK; durations in nanoseconds. */
export interface Healthcheck {
  /** `['NONE']`, `['CMD', …]` or `['CMD-SHELL', command]`; empty to inherit. */
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

const KIND: DocumentKind = { name: 'image config', code: 'CONFIG_INVALID' };

/**
 * Decodes a config blob. Known members are checked, nulls of Go's encoder count as absent, unknown members are kept.
 * @throws OciError `CONFIG_INVALID`, `LIMIT_EXCEEDED`
 */
export function decodeImageConfig(bytes: Uint8Array): ImageConfig {
  const root = Field.parse(bytes, KIND);
  root.refuseCaseVariants(['rootfs', 'history', 'config', 'architecture', 'os']);
  return {
    ...present(root),
    ...pick(root, { variant: text, 'os.version': text, 'os.features': texts, created: text, author: text }),
    architecture: root.member('architecture').optional(text) ?? '',
    os: root.member('os').optional(text) || 'linux',
    ...pick(root, { config: decodeContainerConfig, history: (f) => f.items().map(decodeHistoryEntry) }),
    rootfs: decodeRootfs(root.member('rootfs')),
  };
}

/** The config's bytes: canonical JSON, so that equal configs have equal image IDs. */
export function encodeImageConfig(config: ImageConfig): Uint8Array {
  return new TextEncoder().encode(canonicalJson(config));
}

type Decoder = (field: Field) => unknown;
const text: Decoder & ((field: Field) => string) = (field) => field.string();
const texts: Decoder = (field) => field.strings();
/** Old configs have a lone string in place of the list (moby, api/types/strslice). */
const words: Decoder = (field) => (typeof field.value === 'string' ? [field.value] : field.strings());
const flag: Decoder = (field) => field.boolean();
const integer: Decoder = (field) => field.integer();

/** Decodes the named members that are present. */
function pick(field: Field, decoders: Readonly<Record<string, Decoder>>): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [key, decode] of Object.entries(decoders)) {
    const member = field.member(key);
    if (member.present) out[key] = decode(member);
  }
  return out;
}

/** All members but nulls. */
function present(field: Field): Record<string, unknown> {
  return Object.fromEntries(Object.entries(field.record()).filter(([, value]) => value !== null));
}

function decodeContainerConfig(field: Field): unknown {
  return {
    ...present(field),
    ...pick(field, {
      User: text,
      WorkingDir: text,
      StopSignal: text,
      ArgsEscaped: flag,
      Healthcheck: decodeHealthcheck,
    }),
    ...pick(field, { Env: texts, Entrypoint: words, Cmd: words, OnBuild: texts, Shell: words }),
    ...pick(field, { ExposedPorts: emptyObjects, Volumes: emptyObjects, Labels: (f) => f.stringMap() }),
  };
}

/** A set as Go writes it: `{"80/tcp": {}}`. */
function emptyObjects(field: Field): unknown {
  return Object.fromEntries(field.members().map(([key]) => [key, {}]));
}

function decodeHealthcheck(field: Field): unknown {
  const numbers = {
    Interval: integer,
    Timeout: integer,
    StartPeriod: integer,
    StartInterval: integer,
    Retries: integer,
  };
  return { ...present(field), ...pick(field, { Test: texts, ...numbers }) };
}

function decodeHistoryEntry(field: Field): HistoryEntry {
  const members = { created: text, created_by: text, author: text, comment: text, empty_layer: flag };
  return { ...present(field), ...pick(field, members) };
}

function decodeRootfs(field: Field): RootfsLayers {
  if (!field.present) return field.fail('is missing');
  const type = field.member('type');
  if (type.present && type.value !== 'layers') type.fail('must be "layers"');
  const ids = field.member('diff_ids');
  const diffIds = ids.present ? ids.items() : [];
  return {
    type: 'layers',
    diff_ids: diffIds.map((id) => (isDigest(id.value) ? id.value : id.fail('must be a digest'))),
  };
}
