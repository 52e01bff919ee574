/** Who a command runs as, in numbers. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly home: string;
}

/**
 * Looks `USER` up in an image's own files, as runc does.
 * @throws BuildError `RUN_FAILED`
 */
export function lookupUser(user: string, passwd: Uint8Array | undefined, group: Uint8Array | undefined): Identity {
  throw new Error(`not there yet: ${user} ${passwd?.length} ${group?.length}`);
}
