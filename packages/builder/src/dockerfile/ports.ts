/** Normalises EXPOSE words to `["80/tcp", …]`, sorted by bytes, without duplicates. Throws BuildError DOCKERFILE_INVALID. */
export function parsePorts(specs: readonly string[]): string[] {
  throw new Error(`not built yet: ${specs.join(' ')}`);
}
