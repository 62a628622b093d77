/** A CPU profile of V8 as a flame graph, in SVG: who called whom, and how much of the time each took with all it called. */
import { escapeMarkup } from '../../src/report/escape.ts';

/** Time by place: a tree of calls. */
export interface Flame {
  readonly name: string;
  /** With all that it called. */
  readonly value: number;
  readonly children: readonly Flame[];
}

const WIDTH = 1_200;
const ROW = 17;
/** px; narrower ones are left out, and with fewer there is no room for a name. */
const [NARROWEST, NAMED] = [0.7, 40];
const PER_CHARACTER = 6.3;

/** What a place is coloured by: whose code it is. */
export type OwnerOf = (name: string) => 'own' | 'node' | 'system' | 'library';
const COLOURS = { own: '#e8912d', node: '#7ba7d9', system: '#c9ced6', library: '#7fb98a' } as const;

/** Draws the tree, its root at the bottom. */
export function drawFlame(root: Flame, title: string, ownerOf: OwnerOf): string {
  const boxes: string[] = [];
  const rows = depthOf(root, root.value);
  const height = (rows + 2) * ROW;
  place(root, 0, 0);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escapeMarkup(title)}</title>`,
    '<style>text{font:11px system-ui,sans-serif;fill:#1b1f24}.title{font-weight:600}@media(prefers-color-scheme:dark){.title{fill:#e8ebef}}</style>',
    `<text class="title" x="4" y="${ROW - 4}">${escapeMarkup(title)}</text>`,
    ...boxes,
    '</svg>\n',
  ].join('\n');

  function place(flame: Flame, x: number, depth: number): void {
    const width = (flame.value / root.value) * WIDTH;
    if (width < NARROWEST) return;
    const y = height - (depth + 1) * ROW;
    const share = `${((100 * flame.value) / root.value).toFixed(1)} %`;
    const name = escapeMarkup(flame.name);
    boxes.push(
      `<g><title>${name}: ${share}</title><rect x="${round(x)}" y="${y}" width="${round(width - 0.3)}" height="${ROW - 1}" fill="${COLOURS[ownerOf(flame.name)]}"/>${width < NAMED ? '' : `<text x="${round(x + 3)}" y="${y + 12}">${escapeMarkup(flame.name.slice(0, Math.floor((width - 6) / PER_CHARACTER)))}</text>`}</g>`,
    );
    let from = x;
    for (const child of flame.children) {
      place(child, from, depth + 1);
      from += (child.value / root.value) * WIDTH;
    }
  }
}

/** Rows that have something wide enough in them. */
function depthOf({ value, children }: Flame, all: number): number {
  if ((value / all) * WIDTH < NARROWEST) return 0;
  return 1 + Math.max(0, ...children.map((child) => depthOf(child, all)));
}

const round = (number: number) => Math.round(number * 10) / 10;
