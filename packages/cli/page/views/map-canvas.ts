import { shownText } from '../dom/shown-text.ts';
import type { Tile } from '../data/messages.ts';

/** Of a layer's colour. */
type Hue = number | 'base';

/** Colours in which text on tiles has a contrast of 4.5 or more. */
interface Palette {
  readonly text: string;
  readonly edge: string;
  readonly hatch: string;
  readonly tile: (hue: Hue, depth: number, isDirectory: boolean) => string;
}

const LIGHT: Palette = {
  text: '#1b1f27',
  edge: '#ffffff',
  hatch: 'rgb(0 0 0 / 22%)',
  tile: (hue, depth, isDirectory) => shade(hue, isDirectory ? Math.min(93, 83 + 3 * depth) : 80, 62),
};

const DARK: Palette = {
  text: '#eef1f6',
  edge: '#14171c',
  hatch: 'rgb(255 255 255 / 22%)',
  tile: (hue, depth, isDirectory) => shade(hue, isDirectory ? Math.max(16, 26 - 3 * depth) : 31, 42),
};

function shade(hue: Hue, lightness: number, saturation: number): string {
  return hue === 'base' ? `hsl(220 6% ${lightness}%)` : `hsl(${hue} ${saturation}% ${lightness}%)`;
}

const FONT = '12px system-ui, sans-serif';

/** Draws the tiles; what is there more than once is hatched. */
export function drawMap(canvas: HTMLCanvasElement, tiles: readonly Tile[], hueOf: (layer: number) => Hue): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const { width, height } = canvas.getBoundingClientRect();
  const scale = devicePixelRatio;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.font = FONT;
  context.textBaseline = 'middle';
  const palette = matchMedia('(prefers-color-scheme: dark)').matches ? DARK : LIGHT;
  for (const tile of tiles) drawTile(context, tile, palette, hueOf(tile.layer));
}

function drawTile(context: CanvasRenderingContext2D, tile: Tile, palette: Palette, hue: Hue): void {
  const { x, y, width, height, depth, isDirectory, isDuplicate, name } = tile;
  context.fillStyle = palette.tile(hue, depth, isDirectory);
  context.fillRect(x, y, width, height);
  if (isDuplicate && width > 4 && height > 4) hatch(context, tile, palette.hatch);
  context.strokeStyle = palette.edge;
  context.lineWidth = 1;
  context.strokeRect(x + 0.5, y + 0.5, Math.max(0, width - 1), Math.max(0, height - 1));
  if (width < 34 || height < 16) return;
  context.save();
  context.beginPath();
  context.rect(x + 2, y, width - 6, height);
  context.clip();
  context.fillStyle = palette.text;
  context.fillText(`${shownText(name)}${isDirectory ? '/' : ''}`, x + 5, y + (isDirectory || height < 22 ? 10 : 11));
  context.restore();
}

function hatch(context: CanvasRenderingContext2D, { x, y, width, height }: Tile, colour: string): void {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = colour;
  context.beginPath();
  for (let at = -height; at < width; at += 7) {
    context.moveTo(x + at, y + height);
    context.lineTo(x + at + height, y);
  }
  context.stroke();
  context.restore();
}
