import type { Digest } from '../digest.ts';
import type { DirectoryBlobStore } from '../blob/directory.ts';
import type { Reference } from '../reference.ts';
import type { Collected, ImageContent, RemovedName, StoredImage } from './stored-image.ts';

const todo = (): never => {
  throw new Error('not written yet');
};

/** An OCI image layout directory: the image side of the store. */
export class Layout {
  readonly root: string;
  readonly blobs: DirectoryBlobStore;

  private constructor(root: string, blobs: DirectoryBlobStore) {
    this.root = root;
    this.blobs = blobs;
  }

  static async open(_root: string, _options: { readonly create?: boolean } = {}): Promise<Layout> {
    return todo();
  }

  /** Newest `created` first. */
  async images(): Promise<readonly StoredImage[]> {
    return todo();
  }

  /** By reference, ID or unique ID prefix. @throws OciError `IMAGE_NOT_FOUND`, `IMAGE_AMBIGUOUS` */
  async resolve(_name: string): Promise<StoredImage> {
    return todo();
  }

  async find(_name: string): Promise<StoredImage | undefined> {
    return todo();
  }

  async add(_image: ImageContent, _names: readonly Reference[]): Promise<StoredImage> {
    return todo();
  }

  async tag(_source: string, _target: string): Promise<void> {
    return todo();
  }

  async remove(_name: string, _options: { readonly force?: boolean } = {}): Promise<readonly RemovedName[]> {
    return todo();
  }

  /** Keeps every blob from being collected until it is disposed of. Take one before asking what is stored. */
  async lease(): Promise<AsyncDisposable> {
    return todo();
  }

  async collect(_keep: Iterable<Digest>): Promise<Collected> {
    return todo();
  }
}
