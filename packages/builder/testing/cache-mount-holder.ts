import { CacheMounts } from '../src/mounts/cache-mounts.ts';

/** A program that takes the cache `a` of the directory that its argument names, says `held`, and keeps it. */
const initial = { mode: undefined, uid: undefined, gid: undefined, content: undefined };
await new CacheMounts(process.argv[2] ?? '').acquire(
  { namespace: '', id: 'a', sharing: 'locked', initial },
  async () => {},
  new AbortController().signal,
);
process.stdout.write('held');
setInterval(() => {}, 1000);
