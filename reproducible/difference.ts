import { byteStringToUtf8, type Image } from '@tsbuild/oci';
import { compareLayers, diffImages, fromArchive, indexLayer, type LayerChange } from '@tsbuild/oci/node';

/** Of an instruction the beginning will do. */
const MOST_TEXT = 80;

/** In what two archives of one image differ: members of the config, layers, and in each the files, a line each. */
export async function differences(before: string, after: string): Promise<readonly string[]> {
  const [a, b] = [await fromArchive(before), await fromArchive(after)];
  const { config, history } = await diffImages(a, b, { files: false });
  const lines = config.map(({ path, before: was, after: is }) => `config ${path}: ${shown(was)} and ${shown(is)}`);
  history.removed.forEach((row, i) => {
    const at = history.shared + i;
    lines.push(`history ${at + 1}: ${shown(row)} and ${shown(history.added[i])}`);
  });
  const rows = a.config.history?.filter(({ empty_layer: empty }) => empty !== true) ?? [];
  const layers = Math.max(a.layers.length, b.layers.length);
  for (let i = 0; i < layers; i++) {
    if (a.layers[i]?.diffID === b.layers[i]?.diffID) continue;
    lines.push(`layer ${i + 1} (${(rows[i]?.created_by ?? 'unknown').slice(0, MOST_TEXT)}):`);
    lines.push(...(await layerLines(a, b, i)).map((line) => `  ${line}`));
  }
  return lines.length > 0 ? lines : ['the images are the same, their archives are not'];
}

async function layerLines(a: Image, b: Image, at: number): Promise<readonly string[]> {
  const [before, after] = [a.layers[at], b.layers[at]];
  if (before === undefined || after === undefined) return ['one of the images does not have it'];
  const [old, now] = [await indexLayer(before.open()), await indexLayer(after.open())];
  const changes = [...compareLayers(old.index, now.index)];
  return changes.length > 0 ? changes.map(changeLine) : ['the same entries, in another order or form'];
}

function changeLine({ kind, path, fields, before, after }: LayerChange): string {
  const name = `/${byteStringToUtf8(path)}`;
  if (kind !== 'changed') return `${name}: only in the ${kind === 'added' ? 'second' : 'first'}`;
  const facts = fields.map((field) => {
    if (field === 'mtime') return `mtime ${before?.mtime.seconds} and ${after?.mtime.seconds}`;
    if (field === 'mode') return `mode ${before?.mode.toString(8)} and ${after?.mode.toString(8)}`;
    if (field === 'owner') return `owner ${before?.uid}:${before?.gid} and ${after?.uid}:${after?.gid}`;
    if (field === 'link') return `link ${before?.linkPath} and ${after?.linkPath}`;
    return field;
  });
  return `${name}: ${facts.join(', ')}`;
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing';
}
