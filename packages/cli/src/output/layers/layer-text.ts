import type { ImageLayers, PackageOrigin } from '@tsbuild/builder';
import { byteStringToUtf8, type ByteString } from '@tsbuild/oci/node';

/** An instruction on one line, as written; of a base image or one that was built elsewhere the row of its history. */
export function instructionText(origin: PackageOrigin): string {
  if (origin.kind === 'step') return oneLine(origin.step.source);
  const row = oneLine(origin.createdBy ?? '');
  return origin.kind === 'base' ? `(base) ${row}`.trim() : row;
}

/** `line 7`, and for layers of no line what they are: `the base image`, `layer 3`. */
export function placeText({ layers }: ImageLayers, layer: number): string {
  const { origin } = layers[layer] ?? {};
  if (origin?.kind === 'step') return `line ${origin.step.line}`;
  return origin?.kind === 'base' ? 'the base image' : `layer ${layer + 1}`;
}

/** A path of a layer from the root. */
export function shownPath(path: ByteString): string {
  return `/${byteStringToUtf8(path)}`;
}

/** `1 file`, `1,212 files` without the comma: numbers of programs. */
export function filesText(files: number): string {
  return files === 1 ? '1 file' : `${files} files`;
}

function oneLine(text: string): string {
  return text.replace(/\s*\\?\r?\n\s*/g, ' ').trim();
}
