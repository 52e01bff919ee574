import type { Descriptor } from '../spec/descriptor.ts';
import { setMembers } from '../spec/json-edit.ts';

/** The JSON text that a descriptor was read from, with members that nobody here knows. */
const TEXTS = new WeakMap<Descriptor, string>();

/** Keeps the texts of decoded descriptors, one for each. */
export function keepTexts(descriptors: readonly Descriptor[], texts: readonly string[]): void {
  descriptors.forEach((descriptor, i) => {
    const text = texts[i];
    if (text !== undefined && !TEXTS.has(descriptor)) TEXTS.set(descriptor, text);
  });
}

/** How a descriptor is written: as it was read, where it was. */
export function descriptorText(descriptor: Descriptor): string {
  return TEXTS.get(descriptor) ?? JSON.stringify(descriptor);
}

/** The descriptor with another media type and nothing else changed, members that nobody knows included. */
export function withMediaType(descriptor: Descriptor, mediaType: string): Descriptor {
  const changed: Descriptor = { ...descriptor, mediaType };
  const text = TEXTS.get(descriptor);
  if (text !== undefined) TEXTS.set(changed, setMembers(text, { mediaType }));
  return changed;
}
