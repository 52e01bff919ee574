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
  /** Whether an index may name what is no manifest. */
  readonly looseIndexes: boolean;
  /** Whether a tag can be moved to another manifest. */
  readonly movesTags: boolean;
  /** Whether the first push makes a repository. */
  readonly createsRepositories: boolean;
  /** How many manifests may be read (HEAD is free) before 429 is said, once. */
  readonly pulls: number;
  /** Whether one blob may be sent twice at the same time. */
  readonly takesTwins: boolean;
  /** How many reads of a tag fail with 500 after it was moved. */
  readonly failuresAfterMove: number;
  /** The largest manifest, in bytes. */
  readonly manifestLimit: number;
  /** What the list of a repository without tags holds. */
  readonly emptyTags: '[]' | 'null';
}

/** A registry that does all that the distribution-spec asks for or allows. */
const SPECIFICATION: Quirks = {
  chunks: 'all',
  patchStatus: 202,
  mounts: true,
  referrers: true,
  deletes: 'tags and digests',
  configTypes: /./,
  looseIndexes: true,
  movesTags: true,
  createsRepositories: true,
  pulls: Infinity,
  takesTwins: true,
  failuresAfterMove: 0,
  manifestLimit: 4 * 1024 * 1024,
  emptyTags: '[]',
};

const IMAGE_CONFIGS = /^application\/vnd\.(?:oci\.image\.config\.v1\+json|docker\.container\.image\.v1\+json)$/;

/** Registries that people use, by what their documentation and their users' reports say of them. */
export const PROFILES = {
  specification: SPECIFICATION,
  /** Amazon ECR: aws/containers-roadmap#2831 (chunks), #876 (indexes of layers), blob mounting only when switched on. */
  ecr: {
    ...SPECIFICATION,
    chunks: 'silent',
    patchStatus: 201,
    mounts: false,
    looseIndexes: false,
    movesTags: false,
    createsRepositories: false,
  },
  /** Google Artifact Registry: "chunked uploads are not supported". */
  gar: { ...SPECIFICATION, chunks: 'one' },
  /** GitHub Container Registry: packages are deleted by GitHub's own API. */
  ghcr: { ...SPECIFICATION, referrers: false, deletes: 'nothing' },
  /** Docker Hub: reading a manifest counts as a pull. */
  hub: { ...SPECIFICATION, referrers: false, deletes: 'nothing', pulls: 3 },
  /** GitLab: unknown media types are refused. */
  gitlab: { ...SPECIFICATION, referrers: false, configTypes: IMAGE_CONFIGS },
  /** Sonatype Nexus: nexus-public#967, two uploads of one blob. */
  nexus: { ...SPECIFICATION, referrers: false, takesTwins: false },
  /** Red Hat Quay: a list of the config types that may be stored. */
  quay: { ...SPECIFICATION, configTypes: IMAGE_CONFIGS },
  /** Harbor: goharbor/harbor#14774 (indexes of layers), rules for immutable tags. */
  harbor: { ...SPECIFICATION, looseIndexes: false, movesTags: false },
  /** distribution 2.8: writes tags in place. */
  dist2: { ...SPECIFICATION, referrers: false, deletes: 'digests', failuresAfterMove: 1, emptyTags: 'null' },
  /** distribution 3. */
  dist3: { ...SPECIFICATION, referrers: false, emptyTags: 'null' },
} as const satisfies Readonly<Record<string, Quirks>>;

/** The name of a profile. */
export type ProfileName = keyof typeof PROFILES;
