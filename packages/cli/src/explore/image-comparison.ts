import { compareTrees, diffImages, filesOf, sha256Digest } from '@tsbuild/oci/node';
import { instructionText } from '../output/layers/layer-text.ts';
import { layerPairs } from '../output/layers/comparison-table.ts';
import { maskedText, maskedValue } from '@tsbuild/builder';
import { type ExploredImage, first } from './image-summary.ts';
import type { ChangedFile, FileChanges, PageComparison } from './page-data.ts';

/** So many files of each kind of change are told. */
const MOST_FILES = 2000;

/** In what an image differs from an earlier one. */
export async function imageComparison(
  before: ExploredImage,
  after: ExploredImage,
  signal: AbortSignal,
): Promise<PageComparison> {
  const { config } = await diffImages(before.image, after.image, { files: false, signal });
  const { changes } = await compareTrees(filesOf(before.found.files), filesOf(after.found.files), {
    times: false,
    signal,
  });
  const ofKind = (kind: 'added' | 'removed' | 'changed'): FileChanges =>
    fileChanges(
      changes
        .filter((change) => change.kind === kind && (change.after ?? change.before)?.type !== 'directory')
        .map(({ path, before: old, after: now, fields }) => ({
          path,
          ...(old !== undefined && { before: sizeOf(old) }),
          ...(now !== undefined && { after: sizeOf(now) }),
          what: fields.map(String),
        })),
    );
  return {
    name: before.name,
    id: sha256Digest(before.image.rawConfig),
    layers: layerPairs(before.found.layers, after.found.layers).map(({ before: a, after: b }) => {
      const origin = (b ?? a)?.origin;
      return {
        instruction: origin === undefined ? '' : instructionText(origin),
        ...(b?.origin.kind === 'step' && { line: b.origin.step.line }),
        ...(a !== undefined && { before: a.unpacked }),
        ...(b !== undefined && { after: b.unpacked }),
        isSame: a?.diffID === b?.diffID,
      };
    }),
    files: { added: ofKind('added'), removed: ofKind('removed'), changed: ofKind('changed') },
    config: config.map(({ path, before: old, after: now }) => ({
      path,
      before: valueText(path, old),
      after: valueText(path, now),
    })),
  };
}

function fileChanges(files: readonly ChangedFile[]): FileChanges {
  const bytes = files.reduce((sum, file) => sum + growth(file), 0);
  const sorted = files.toSorted((a, b) => Math.abs(growth(b)) - Math.abs(growth(a)));
  return { ...first(sorted, MOST_FILES, (file) => file), bytes };
}

function growth({ before = 0, after = 0 }: ChangedFile): number {
  return after - before;
}

function sizeOf({ type, size }: { readonly type: string; readonly size: number }): number {
  return type === 'file' ? size : 0;
}

/** A member of the config as text; variables one a line, and no secrets. */
function valueText(path: string, value: unknown): string {
  if (value === undefined) return '';
  const name = path.slice(path.lastIndexOf('.') + 1);
  if (typeof value === 'string') return maskedValue(name, value);
  if (Array.isArray(value)) return value.map((item) => itemText(item)).join('\n');
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return Object.entries(value)
    .map(([member, item]) => itemText(`${member}=${typeof item === 'string' ? item : JSON.stringify(item)}`))
    .join('\n');
}

/** On one line. */
function itemText(item: unknown): string {
  const text = typeof item === 'string' ? maskedItem(item) : JSON.stringify(item);
  return text.replaceAll('\n', '\\n');
}

function maskedItem(text: string): string {
  const equals = text.indexOf('=');
  return equals < 0
    ? maskedText(text)
    : `${text.slice(0, equals)}=${maskedValue(text.slice(0, equals), text.slice(equals + 1))}`;
}
