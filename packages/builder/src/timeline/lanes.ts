/** The lane of each span, so that those of one lane do not overlap: the first that is free when the span starts. */
export function lanesOf(spans: readonly { readonly started: number; readonly ended: number }[]): readonly number[] {
  const lanes = spans.map(() => 0);
  const ends: number[] = [];
  const order = spans.map((span, at) => ({ ...span, at })).toSorted((a, b) => a.started - b.started || a.at - b.at);
  for (const { started, ended, at } of order) {
    const free = ends.findIndex((end) => end <= started);
    const lane = free < 0 ? ends.length : free;
    ends[lane] = ended;
    lanes[at] = lane;
  }
  return lanes;
}
