/** Times that a `Date` can hold, milliseconds. */
const LAST_TIME = 8.64e15;

/** The members of a JSON value of anybody's; none of what is no object. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** Whether all of a list are what they should be. */
export function isListOf<T>(value: unknown, isMember: (member: unknown) => member is T): value is readonly T[] {
  return Array.isArray(value) && value.every(isMember);
}

/** For {@link isListOf}. */
export function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** Milliseconds since 1970, or a duration. */
export function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LAST_TIME;
}
