import { changeImage, configText, historyText, historyTexts, manifestText } from './change-image.ts';
import type { ContainerConfig, HistoryEntry } from '../spec/image-config.ts';
import type { Image, ImageLayer } from './image-value.ts';
import { editObject, setMembers } from '../spec/json-edit.ts';
import type { Platform } from '../spec/platform.ts';

/** A layer to be put on an image, and what the history says of it. */
export interface LayerAddition {
  readonly layer: ImageLayer;
  /** Without `empty_layer`; an empty step unless told. */
  readonly history?: Omit<HistoryEntry, 'empty_layer'>;
}

/**
 * Puts layers on top of an image, each with a step of the history. Nothing is read: a layer's digests are those of its
 * value. Steps are made up (empty) for lower layers that the history does not speak of.
 * @throws OciError `CONFIG_INVALID`, `MANIFEST_INVALID`
 * @example
 *   const image = appendLayers(base, [{ layer, history: { created_by: 'COPY . /app' } }]);
 */
export function appendLayers(image: Image, additions: readonly LayerAddition[]): Image {
  if (additions.length === 0) return image;
  return changeImage(image, {
    layers: [...image.layers, ...additions.map(({ layer }) => layer)],
    history: [...historyTexts(image), ...additions.map(({ history }) => historyText(history ?? {}))],
  });
}

/** Members of the container config to replace; undefined takes one away. */
export type ContainerConfigChanges = { readonly [K in keyof ContainerConfig]?: ContainerConfig[K] | undefined };

/**
 * Changes how containers of the image start: members that are not named stay, unknown ones too.
 * @example
 *   const image = withConfig(base, { Cmd: ['node', 'server.js'], User: undefined });
 */
export function withConfig(image: Image, changes: ContainerConfigChanges): Image {
  if (Object.keys(changes).length === 0) return image;
  return changeImage(image, { config: { config: setMembers(configText(image, 'config'), changes) } });
}

/**
 * Sets labels of the container config; undefined takes one away, others stay.
 * @example
 *   const image = withLabels(base, { 'org.opencontainers.image.source': url, old: undefined });
 */
export function withLabels(image: Image, labels: Readonly<Record<string, string | undefined>>): Image {
  if (Object.keys(labels).length === 0) return image;
  const config = configText(image, 'config');
  const old = JSON.stringify(image.config.config?.Labels ?? {});
  return changeImage(image, { config: { config: editObject(config, { Labels: setMembers(old, labels) }) } });
}

/**
 * Sets annotations of the manifest; undefined takes one away, others stay.
 * @example
 *   const image = withAnnotations(base, { 'org.opencontainers.image.revision': commit });
 */
export function withAnnotations(image: Image, annotations: Readonly<Record<string, string | undefined>>): Image {
  if (Object.keys(annotations).length === 0) return image;
  const changed = setMembers(manifestText(image, 'annotations'), annotations);
  return changeImage(image, { manifest: { annotations: changed === '{}' ? undefined : changed } });
}

/**
 * Sets the time of the config and of every step of its history; an RFC 3339 text is kept as written. Files in layers keep
 * their times.
 * @example
 *   const image = withCreated(base, '2024-01-02T03:04:05Z');
 */
export function withCreated(image: Image, created: Date | string): Image {
  const text = JSON.stringify(typeof created === 'string' ? created : created.toISOString());
  const hasHistory = image.config.history !== undefined;
  return changeImage(image, {
    config: { created: text },
    ...(hasHistory && { history: historyTexts(image).map((step) => editObject(step, { created: text })) }),
  });
}

/**
 * Says what the image runs on; nothing in its layers changes.
 * @example
 *   const image = withPlatform(base, parsePlatform('linux/arm/v7'));
 */
export function withPlatform(image: Image, platform: Platform): Image {
  const text = (value: unknown): string | undefined => (value === undefined ? undefined : JSON.stringify(value));
  return changeImage(image, {
    config: {
      architecture: text(platform.architecture),
      os: text(platform.os),
      variant: text(platform.variant),
      'os.version': text(platform['os.version']),
      'os.features': text(platform['os.features']),
    },
  });
}
