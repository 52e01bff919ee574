/** What came of a build. */
export interface Built {
  readonly succeeded: boolean;
  /** Progress and errors. */
  readonly log: string;
}

/** What to build, with everything filled in. */
export interface BuildRequest {
  readonly args: readonly string[];
  readonly network: string;
  /** PATH, or `-`. */
  readonly context: string;
  readonly stdinFile: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly useCache: boolean;
  /** Where the image goes, as an archive. */
  readonly archive: string;
}

/** One of the two that are compared. */
export interface ImageBuilder {
  build(request: BuildRequest): Promise<Built>;
}
