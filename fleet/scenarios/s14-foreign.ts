import { createHash } from 'node:crypto';
import type { Lab } from '../lab/lab.ts';
import type { Place } from '../lab/place.ts';
import { ask, putBlob, putManifest } from '../walker/registry-reader.ts';
import type { Scenario } from './scenario.ts';

/** Content that is somebody else's, under the tag of a cache. */
interface Foreign {
  readonly name: string;
  readonly config: string;
  readonly configType: string;
  readonly layerType: string;
}

const FOREIGN: readonly Foreign[] = [
  {
    name: 'buildkit',
    config: '{"layers":[],"records":[]}',
    configType: 'application/vnd.buildkit.cacheconfig.v0',
    layerType: 'application/vnd.oci.image.layer.v1.tar+gzip',
  },
  {
    name: 'image',
    config: '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}',
    configType: 'application/vnd.oci.image.config.v1+json',
    layerType: 'application/vnd.oci.image.layer.v1.tar+gzip',
  },
  { name: 'artifact', config: '{}', configType: 'application/x.chart.config+json', layerType: 'application/x.chart' },
];

/** The reference of the cache holds something else. */
export const foreign: Scenario = {
  id: 'S14',
  title: 'foreign content under the reference',
  holds: 'a notice; it stays as it is; the cache works beside it',
  async run(lab, judge) {
    const build = await lab.generate('s14', { largest: 64 * 1024 });
    const kinds = lab.size.isFull ? FOREIGN : FOREIGN.slice(0, 2);
    for (const content of kinds) {
      const place: Place = { repository: `fleet/s14-${content.name}-cache`, tag: 'main' };
      const digest = await putForeign(lab, place, content);
      const first = await lab.buildOnce(build, place);
      judge.succeeded(first, `the build beside ${content.name}`);
      judge.expect(
        first.notices.some((notice) => notice.includes(place.repository)),
        `nothing is said of ${content.name} under the reference`,
      );
      if (lab.size.isFull || content === kinds.at(-1)) {
        const second = await lab.buildOnce(build, place);
        judge.succeeded(second, `the second build beside ${content.name}`);
        judge.allHit(second, `the second build beside ${content.name}`);
      }
      const now = await ask(lab.registry.host, 'HEAD', `${place.repository}/manifests/${place.tag}`);
      judge.expect(now.digest === digest, `${content.name} was overwritten`);
    }
    return { kinds: kinds.length };
  },
};

async function putForeign(lab: Lab, { repository, tag }: Place, content: Foreign): Promise<string> {
  const { host } = lab.registry;
  const entries = [Buffer.from(content.config), Buffer.from(`layer of ${content.name}`)].map((bytes, i) => ({
    bytes,
    entry: { mediaType: i === 0 ? content.configType : content.layerType, digest: digestOf(bytes), size: bytes.length },
  }));
  for (const { bytes, entry } of entries) await putBlob(host, repository, entry.digest, bytes);
  const [config, ...layers] = entries.map(({ entry }) => entry);
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers }));
  await putManifest(host, repository, tag, manifest);
  return digestOf(manifest);
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
