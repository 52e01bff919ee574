/** A value as Go's fmt prints it: `[a b]`, `map[k:v]`. */
export function goValue(value: unknown): string {
  if (value === undefined) return '<no value>';
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goValue).join(' ')}]`;
  if (typeof value === 'object') {
    return `map[${Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${key}:${goValue(member)}`)
      .join(' ')}]`;
  }
  return String(value);
}
