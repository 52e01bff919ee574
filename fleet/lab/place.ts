/** A repository of the registry that records are shared through, and the tag of its hints. */
export interface Place {
  /** `fleet/s1-cache` */
  readonly repository: string;
  readonly tag: string;
}

/** The place as a builder names it, who reaches the registry at `host`. */
export function cacheSpec(host: string, { repository, tag }: Place, extra = ''): string {
  return `type=registry,ref=${host}/${repository}:${tag}${extra === '' ? '' : `,${extra}`}`;
}
