// What is measured by ../oci-memory.mjs: pulls an image into a layout, checks everything of it, and pushes it again.
//
//   node pull-check-push.mjs SOURCE TARGET DIRECTORY
import {
  fromLayout,
  fromRegistry,
  indexImage,
  parseReference,
  RegistryClient,
  toLayout,
  toRegistry,
} from '@tsbuild/oci/node';

const [source, target, directory] = process.argv.slice(2);
const steps = [];
async function step(name, action) {
  const start = performance.now();
  const result = await action();
  const seconds = Math.round((performance.now() - start) / 100) / 10;
  steps.push({ name, seconds, peakMebibytes: Math.round(process.resourceUsage().maxRSS / 1024) });
  return result;
}

const client = new RegistryClient();
await step('start', async () => {});
const { digest } = await step('pull', async () =>
  toLayout(await fromRegistry(client, parseReference(source)), directory, { names: [parseReference('app')] }),
);
// From the directory: the image does not know any more that the registry has its layers, so they are really sent.
const image = await fromLayout(directory, digest);
// Reads every layer: digests, sizes and diffIDs are checked, and that each is a tar that an engine would take.
await step('check', () => indexImage(image));
const pushed = await step('push', () => toRegistry(client, parseReference(target), image));
if (pushed.digest !== digest) throw new Error(`pushed ${pushed.digest} instead of ${digest}`);
client.close();
console.log(JSON.stringify(steps));
