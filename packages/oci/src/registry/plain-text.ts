/**
 * Text from a stranger, fit for a terminal: control characters (escape sequences among them), marks that turn the
 * writing direction, and line ends become blanks; what is longer than `limit` characters is cut.
 */
export function plainText(text: string, limit = 300): string {
  const clean = text
    .slice(0, limit * 4)
    .replace(/[\u0000-\u0020\u007F-\u009F\u2028\u2029\u202A-\u202E\u2066-\u2069\u200E\u200F\uFEFF]+/g, ' ')
    .trim();
  return clean.length > limit ? `${clean.slice(0, limit)}…` : clean;
}

/** A URL for messages: no user name, no password, and no query, in which tokens and signatures travel. */
export function plainUrl(url: URL): string {
  return `${url.protocol}//${url.host}${plainText(url.pathname)}${url.search === '' ? '' : '?…'}`;
}
