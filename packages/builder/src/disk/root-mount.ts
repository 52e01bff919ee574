/** How the sandbox gets its root filesystem. */
export type RootMount =
  /** `lower` from the lowest layer up; the executor mounts the overlay inside the sandbox's own mount namespace. */
  | {
      readonly kind: 'overlay';
      readonly lower: readonly string[];
      readonly upper: string;
      readonly work: string;
      /** The upper directory is mounted again later, and must survive a crash of the machine. */
      readonly durable?: boolean;
    }
  /** A complete tree in one directory, used where overlayfs cannot be mounted. */
  | { readonly kind: 'directory'; readonly path: string };
