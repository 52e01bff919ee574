/** Lines of the live view that belong together: a step, a transfer, a notice. */
export interface Block {
  readonly lines: readonly string[];
  /** The end of its output, below; of that some may be left out. */
  readonly tail?: readonly string[];
  /** It is at work, or it is why the build failed. */
  readonly keep: boolean;
}

/**
 * The lines that fit: finished blocks make room, the oldest first; then the output of running ones gets shorter, the longest
 * first; then whatever stands first goes.
 */
export function fitBlocks(blocks: readonly Block[], room: number): string[] {
  let total = blocks.reduce((sum, block) => sum + sizeOf(block), 0);
  const shown = blocks.filter((block) => {
    if (block.keep || total <= room) return true;
    total -= sizeOf(block);
    return false;
  });
  const tails = shown.map(({ tail = [] }) => tail.length);
  for (; total > room; total--) {
    const longest = Math.max(...tails);
    const at = tails.indexOf(longest);
    if (longest <= 0) break;
    tails[at] = longest - 1;
  }
  const lines = shown.flatMap(({ lines: own, tail = [] }, i) => [...own, ...tail.slice(tail.length - (tails[i] ?? 0))]);
  return lines.slice(-room);
}

function sizeOf({ lines, tail = [] }: Block): number {
  return lines.length + tail.length;
}
