import type { ImageConfig } from '@tsbuild/oci';
import { DEFAULT_PATH } from '../ops/default-path.ts';

/** The `config` part of an image: how its containers start (image-spec config.md). */
export type RunConfig = NonNullable<ImageConfig['config']>;

/** The fields that a stage inherits. Older images carry more (Hostname, Image, …): state of a container long gone. */
const INHERITED = [
  'User',
  'ExposedPorts',
  'Env',
  'Entrypoint',
  'Cmd',
  'Volumes',
  'WorkingDir',
  'Labels',
  'StopSignal',
  'ArgsEscaped',
  'Healthcheck',
  'OnBuild',
  'Shell',
] as const;

/** The starting point of a stage: the base's config, with a PATH if it has none. */
export function inheritConfig(base: RunConfig | undefined): RunConfig {
  const config: Record<string, unknown> = {};
  for (const field of INHERITED) {
    const value = base?.[field];
    if (value !== undefined && value !== null) config[field] = structuredClone(value);
  }
  const env = [...((config['Env'] as string[] | undefined) ?? [])];
  if (!env.some((pair) => pair.startsWith('PATH='))) env.push(`PATH=${DEFAULT_PATH}`);
  config['Env'] = env;
  return config as RunConfig;
}
