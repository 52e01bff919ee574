import { contentInfo, imageOfLayers } from './image-value.ts';
import type { Image, ImageLayer } from './image-value.ts';
import { descriptorText } from '../selection/descriptor-text.ts';
import { digestAlgorithm } from '../spec/digest.ts';
import type { HistoryEntry } from '../spec/image-config.ts';
import { editObject, joinArray, setMembers, splitArray, splitObject } from '../spec/json-edit.ts';
import type { MemberChanges } from '../spec/json-edit.ts';

/** What is to be different in an image; texts are JSON. What is not named keeps its very characters. */
export interface ImageChange {
  readonly config?: MemberChanges;
  readonly manifest?: MemberChanges;
  /** All layers, lowest first: diffIDs and descriptors follow. */
  readonly layers?: readonly ImageLayer[];
  /** All steps of the history, as JSON texts. */
  readonly history?: readonly string[];
}

/**
 * Makes a changed image. Documents that come out unchanged keep their bytes, and so their digests.
 * @throws OciError `CONFIG_INVALID`, `MANIFEST_INVALID` when the result is no valid image
 */
export function changeImage(image: Image, change: ImageChange): Image {
  const rawConfig = changedConfig(image, change);
  const configInfo = contentInfo(rawConfig, digestAlgorithm(image.manifest.config.digest));
  const text = decode(image.rawManifest);
  const members = splitObject(text);
  const changes: Record<string, string | undefined> = { ...change.manifest };
  if (configInfo.digest !== image.manifest.config.digest) {
    changes['config'] = setMembers(changes['config'] ?? members.get('config'), { ...configInfo });
  }
  if (change.layers !== undefined) changes['layers'] = layerTexts(image, members.get('layers'), change.layers);
  const isSame = Object.entries(changes).every(([name, value]) => members.get(name) === value);
  if (isSame && configInfo.digest === image.manifest.config.digest) return image;
  // A manifest may leave its type to the descriptor; there is none yet for the new one.
  if (!members.has('mediaType')) changes['mediaType'] ??= JSON.stringify(image.descriptor.mediaType);
  return imageOfLayers(encode(editObject(text, changes)), rawConfig, change.layers ?? image.layers);
}

/**
 * The steps of an image's history as JSON texts, one with a layer for each layer: images without a history get blank ones.
 * @param count layers that the history should speak of
 */
export function historyTexts(image: Image): readonly string[] {
  const text = splitObject(decode(image.rawConfig)).get('history');
  const steps = text === undefined || text.trim() === 'null' ? [] : splitArray(text);
  const filled = image.config.history?.filter((step) => step.empty_layer !== true).length ?? 0;
  const missing = Math.max(0, image.layers.length - filled);
  return [...steps, ...Array.from({ length: missing }, () => '{}')];
}

/** A step of a history as JSON text. */
export function historyText(step: HistoryEntry): string {
  return JSON.stringify(step);
}

/** The text of one member of the config. */
export function configText(image: Image, member: string): string | undefined {
  return splitObject(decode(image.rawConfig)).get(member);
}

/** The text of one member of the manifest. */
export function manifestText(image: Image, member: string): string | undefined {
  return splitObject(decode(image.rawManifest)).get(member);
}

function changedConfig(image: Image, { config, layers, history }: ImageChange): Uint8Array {
  const text = decode(image.rawConfig);
  const members = splitObject(text);
  const changes: Record<string, string | undefined> = { ...config };
  if (layers !== undefined) {
    const diffIds = layers.map(({ diffID }) => diffID);
    if (JSON.stringify(diffIds) !== JSON.stringify(image.config.rootfs.diff_ids)) {
      changes['rootfs'] = setMembers(members.get('rootfs'), { type: 'layers', diff_ids: diffIds });
    }
  }
  if (history !== undefined) changes['history'] = joinArray(history);
  const isSame = Object.entries(changes).every(([name, value]) => members.get(name) === value);
  return isSame ? image.rawConfig : encode(editObject(text, changes));
}

/** Descriptors of layers that stay keep their text, with members that nobody knows here. */
function layerTexts(image: Image, text: string | undefined, layers: readonly ImageLayer[]): string {
  const known = new Map<ImageLayer, string>();
  splitArray(text ?? '[]').forEach((descriptor, i) => {
    const layer = image.layers[i];
    if (layer !== undefined) known.set(layer, descriptor);
  });
  return joinArray(layers.map((layer) => known.get(layer) ?? descriptorText(layer.descriptor)));
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
