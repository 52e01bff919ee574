import type { ByteString } from '../spec/byte-string.ts';
import { type ChangedField, changedFields } from './changed-fields.ts';
import type { LayerEntry } from './layer-entry.ts';
import type { LayerIndex } from './layer-index.ts';

/** One entry that two layers do not have alike. Whiteouts are entries as others, `dir/.wh.name`. */
export interface LayerChange {
  readonly kind: 'added' | 'removed' | 'changed';
  readonly path: ByteString;
  readonly before?: LayerEntry;
  readonly after?: LayerEntry;
  /** For `changed`. */
  readonly fields: readonly ChangedField[];
}

/**
 * Compares two layers entry by entry as they are stored, times of directories too: unlike the comparison of trees it tells
 * everything by which two layers that should be the same are not, but for the order of their entries. Changes come by path,
 * byte order.
 */
export function* compareLayers(before: LayerIndex, after: LayerIndex): Generator<LayerChange, void, undefined> {
  const [olds, news] = [before.entries(), after.entries()];
  let [old, now] = [olds.next(), news.next()];
  while (old.done !== true || now.done !== true) {
    if (now.done === true || (old.done !== true && old.value.path < now.value.path)) {
      if (old.done === true) return;
      yield { kind: 'removed', path: old.value.path, before: old.value, fields: [] };
      old = olds.next();
    } else if (old.done === true || now.value.path < old.value.path) {
      yield { kind: 'added', path: now.value.path, after: now.value, fields: [] };
      now = news.next();
    } else {
      const [a, b] = [old.value, now.value];
      const fields = changedFields(a, b, 'all');
      if (a.size !== b.size || a.contentSha256 !== b.contentSha256) fields.push('content');
      if (fields.length > 0) yield { kind: 'changed', path: a.path, before: a, after: b, fields };
      old = olds.next();
      now = news.next();
    }
  }
}
