/** Parses a Go duration (`1m30s`) to nanoseconds. Throws BuildError DOCKERFILE_INVALID. */
export function parseDuration(text: string): number {
  throw new Error(`not built yet: ${text}`);
}
