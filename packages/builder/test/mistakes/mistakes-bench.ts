import { type ImageConfig, parseReference } from '@tsbuild/oci';
import { BuildBench, type BenchBuild } from '../../testing/build-bench.ts';

/** Builds whose last layers are looked at closely. */
export class MistakesBench {
  readonly bench: BuildBench;

  private constructor(bench: BuildBench) {
    this.bench = bench;
  }

  static async make(): Promise<MistakesBench> {
    return new MistakesBench(await BuildBench.make());
  }

  /** Each entry of the image's last layer: type, mode, owner, path, where a link leads. */
  async entries({ image }: BenchBuild, layer = -1): Promise<string[]> {
    const digest = image.layers.at(layer)?.digest;
    if (digest === undefined) return [];
    const index = await this.bench.store.indexes.get(digest);
    return [...index.entries()].map((entry) => {
      const link = entry.type === 'hardlink' || entry.type === 'symlink' ? ` -> ${entry.linkPath}` : '';
      return `${entry.type} ${entry.mode.toString(8)} ${entry.uid}:${entry.gid} ${entry.path}${link}`;
    });
  }

  /** The image `busybox` under another name, its config changed. */
  async variant(name: string, change: Partial<ImageConfig>): Promise<void> {
    const { layout } = this.bench.store;
    const base = await layout.find('busybox');
    if (base === undefined) throw new Error('the bench has busybox');
    const config = { ...base.config, ...change, config: { ...base.config.config, ...change.config } };
    await layout.add({ config: Buffer.from(JSON.stringify(config)), layers: base.layers }, [parseReference(name)]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.bench[Symbol.asyncDispose]();
  }
}
