/**
 * Names headings as GitHub does, so that one link works in both places: lower case, only letters, digits, `_`, `-` and blanks,
 * these as `-`; a second heading of the same name gets `-1`.
 */
export class Slugger {
  readonly #uses = new Map<string, number>();

  slug(heading: string): string {
    const base = heading
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
      .replaceAll(' ', '-');
    let slug = base;
    while (this.#uses.has(slug)) {
      const next = (this.#uses.get(base) ?? 0) + 1;
      this.#uses.set(base, next);
      slug = `${base}-${next}`;
    }
    this.#uses.set(slug, 0);
    return slug;
  }
}
