/** In what a registry differs from the distribution-spec, or chooses among what that allows. */
export interface Quirks {
  /**
   * Chunks of an upload: all taken; taken, but `Range` stays at the first and the state of the upload is unknown; or only
   * one taken.
   */
  readonly chunks: 'all' | 'silent' | 'one';
  /** What a chunk is answered with. */
  readonly patchStatus: 201 | 202;
  /** Whether blobs are mounted from other repositories. */
  readonly mounts: boolean;
  /** Whether there is a referrers API. */
  readonly referrers: boolean;
  readonly deletes: 'tags and digests' | 'digests' | 'nothing';
  /** The types of a config that a manifest may have. */
  readonly configTypes: RegExp;
  /** The types of layers that a manifest may have, and of the `artifactType` beside them. */
  readonly otherTypes: RegExp;
  /** Whether an index may name what is no manifest. */
  readonly looseIndexes: boolean;
  /** How moving a tag to another manifest is refused; undefined where tags can be moved. */
  readonly immutable: ImmutableTags | undefined;
  /** Whether the first push makes a repository. */
  readonly createsRepositories: boolean;
  /** How many manifests may be read (HEAD is free) before 429 is said. */
  readonly pulls: number;
  /** How many reads are refused when that budget is spent, before there is a new one. */
  readonly refusedPulls: number;
  /** Whether one blob may be sent twice at the same time. */
  readonly takesTwins: boolean;
  /** How many reads of a tag fail with 500 after it was moved. */
  readonly failuresAfterMove: number;
  /** The largest manifest, in bytes. */
  readonly manifestLimit: number;
  /** What the list of a repository without tags holds. */
  readonly emptyTags: '[]' | 'null';
  /** Whether a list of tags comes in pages, as long as `n=` asks for. */
  readonly pagesTags: boolean;
}

/** Tags that keep their first manifest. */
export interface ImmutableTags {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** Tags that can be moved all the same. */
  readonly except?: RegExp;
}

/** A registry that does all that the distribution-spec asks for or allows. */
export const SPECIFICATION: Quirks = {
  chunks: 'all',
  patchStatus: 202,
  mounts: true,
  referrers: true,
  deletes: 'tags and digests',
  configTypes: /./,
  otherTypes: /./,
  looseIndexes: true,
  immutable: undefined,
  createsRepositories: true,
  pulls: Infinity,
  refusedPulls: 1,
  takesTwins: true,
  failuresAfterMove: 0,
  manifestLimit: 4 * 1024 * 1024,
  emptyTags: '[]',
  pagesTags: true,
};

/** The types of an image's config: what a registry of images alone knows. */
export const IMAGE_CONFIGS = /^application\/vnd\.(?:oci\.image\.config\.v1\+json|docker\.container\.image\.v1\+json)$/;

/** The types of an image's layers. */
export const IMAGE_LAYERS =
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1\.tar(?:\+gzip|\+zstd)?|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar(?:\.gzip)?)$/;
