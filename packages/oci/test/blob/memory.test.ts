import { MemoryBlobStore } from '../../src/blob/memory.ts';
import { blobStoreContract } from '../../testing/blob-store-contract.ts';

blobStoreContract('MemoryBlobStore', async () => ({ store: new MemoryBlobStore() }));
