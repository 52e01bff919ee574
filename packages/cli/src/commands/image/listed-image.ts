import type { StoredImage } from '@tsbuild/oci/node';

/** One line of the listing: an image under one of its names. Fields as in `docker images --format json`. */
export interface ImageRow {
  readonly Repository: string;
  readonly Tag: string;
  readonly Digest: string;
  readonly ID: string;
  readonly CreatedAt: string;
  readonly CreatedSince: string;
  readonly Size: string;
}

/** A row with the image behind it, for filters. */
export interface ListedImage {
  readonly image: StoredImage;
  readonly shown: ImageRow;
}
