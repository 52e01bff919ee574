import { describe, expect, it } from 'vitest';
import { essence, readDocument, screensOf } from '../captures/document.ts';
import { SCENES } from '../captures/scenes.ts';
import { without } from './support/lab.ts';
import { scratch, tsbuild } from './support/tsbuild.ts';

describe.skipIf(without('tmux'))('docs/progress.md shows what a terminal shows (needs tmux)', () => {
  it.each(SCENES.map((scene) => [scene.title, scene] as const))('%s', { timeout: 400_000 }, async (title, scene) => {
    const builder = await tsbuild();
    const { words, env } = builder.commandLine([]);
    const path = { PATH: process.env['PATH'] ?? '' };
    const screens = await scene.play({ folder: await scratch(), command: words, env: { ...env, ...path } });
    // `npm run captures` takes them anew.
    expect(screens.map(essence)).toEqual(screensOf(readDocument(), title).map(essence));
  });
});
