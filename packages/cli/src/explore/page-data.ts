/*
 * What a page of `tsbuild explore` is told: types alone, for the command that writes them and for the page that reads them. Names
 * of files are byte strings (one character for each byte); all other text is text. Sizes are bytes, times milliseconds since 1970,
 * durations milliseconds. Layers count from the lowest, 0.
 */

/** Everything but the files: small, and shown at once. */
export interface PageSummary {
  readonly version: 1;
  /** As the command line said it. */
  readonly name: string;
  readonly id: string;
  readonly digest: string;
  readonly platform: string;
  readonly created?: string;
  /** When the page was made. */
  readonly made: number;
  readonly dockerfile?: string;
  readonly base?: { readonly name: string; readonly digest?: string };
  /** Lowest first. */
  readonly layers: readonly PageLayer[];
  readonly waste: readonly PageWaste[];
  readonly duplicates: PageList<PageDuplicate>;
  readonly build?: BuildTimeline;
  readonly comparison?: PageComparison;
  readonly config: PageConfig;
}

/** The first entries of a list that may be long. */
export interface PageList<Item> {
  readonly items: readonly Item[];
  /** How many there are in all. */
  readonly total: number;
}

/** A layer, as `tsbuild layers` shows it. */
export interface PageLayer {
  readonly digest: string;
  readonly instruction: string;
  /** Of the Dockerfile; undefined where it is not known. */
  readonly line?: number;
  readonly stage?: string;
  readonly unpacked: number;
  readonly packed?: number;
  readonly files: number;
  readonly contribution: number;
  readonly wasted: number;
  readonly isOwn: boolean;
}

/** Bytes that nobody needs. */
export interface PageWaste {
  readonly kind: 'overwritten' | 'attributes' | 'deleted' | 'duplicated';
  readonly place: number;
  readonly cause: number;
  readonly bytes: number;
  readonly files: number;
  readonly isOwn: boolean;
  /** One sentence on what to change. */
  readonly advice: string;
  readonly largest: readonly { readonly path: string; readonly size: number }[];
}

/** The same content under several names. */
export interface PageDuplicate {
  /** A copy is in a layer of the image's own. */
  readonly isOwn: boolean;
  readonly kind: 'file' | 'directory';
  readonly size: number;
  readonly wasted: number;
  readonly places: PageList<{ readonly path: string; readonly layer: number }>;
}

/** The build that made the image. Records of older versions lack times and inputs. */
export interface BuildTimeline {
  readonly started: number;
  readonly dockerfile: string;
  readonly target?: string;
  /** From the beginning to the image. */
  readonly wall?: number;
  readonly steps: readonly TimelineStep[];
  /** What took time and is no step. */
  readonly phases: readonly TimelineStep[];
  readonly cacheMounts: readonly { readonly name: string; readonly size: number; readonly lastUsed: number }[];
}

/** A step of a build, or something that a build did outside of its steps. */
export interface TimelineStep {
  readonly kind: 'step' | 'phase';
  /** As progress shows it: 1 …; 0 of a phase. */
  readonly number: number;
  readonly name: string;
  readonly stage: string;
  readonly platform?: string;
  readonly state: 'waiting' | 'cached' | 'run' | 'failed' | 'canceled';
  readonly line?: number;
  /** Since the build began. */
  readonly queued?: number;
  readonly start?: number;
  readonly end?: number;
  /** How long it took. */
  readonly milliseconds?: number;
  /** Of a cached step: what that saved, and when it was executed. */
  readonly saved?: number;
  readonly since?: number;
  readonly layerSize?: number;
  /** Why it was executed: one line, and each change. */
  readonly why?: string;
  readonly changes?: PageList<string>;
  /** Numbers of the steps whose results it needs. */
  readonly inputs?: readonly number[];
}

/** The image beside another one. */
export interface PageComparison {
  readonly name: string;
  readonly id: string;
  readonly layers: readonly ComparedPair[];
  readonly files: {
    readonly added: FileChanges;
    readonly removed: FileChanges;
    readonly changed: FileChanges;
  };
  readonly config: readonly { readonly path: string; readonly before: string; readonly after: string }[];
}

/** A layer that both images have by its instruction, or one of them. */
interface ComparedPair {
  readonly instruction: string;
  readonly line?: number;
  readonly before?: number;
  readonly after?: number;
  readonly isSame: boolean;
}

/** Files by the bytes that they change, the most first. */
export interface FileChanges extends PageList<ChangedFile> {
  /** By how much they change the image. */
  readonly bytes: number;
}

/** A file of one image or of both. */
export interface ChangedFile {
  readonly path: string;
  readonly before?: number;
  readonly after?: number;
  /** What of it differs. */
  readonly what: readonly string[];
}

/** How containers start; values that look like secrets are masked. */
export interface PageConfig {
  readonly fields: readonly { readonly name: string; readonly value: string }[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly labels: readonly { readonly name: string; readonly value: string }[];
  readonly history: readonly {
    readonly created?: string;
    readonly instruction: string;
    /** The layer that it made. */
    readonly layer?: number;
  }[];
  /** The whole document, indented. */
  readonly raw: string;
}
