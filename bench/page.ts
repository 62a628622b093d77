/** docs/performance.md: where results are put, between markers, so that the rest of the page stays as it was written. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const PAGE = fileURLToPath(new URL('../docs/performance.md', import.meta.url));
/** Beside the page. */
const PICTURES = 'performance';

/** The text with what stands between the markers of `name` replaced. @throws {Error} if it has no such markers */
export function fill(text: string, name: string, content: string): string {
  const [begin, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`no markers for ${name}`);
  return `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`;
}

/** Puts tables and pictures (SVG by name) into the page. */
export function writePage(tables: string, pictures: ReadonlyMap<string, string>): void {
  const folder = path.join(path.dirname(PAGE), PICTURES);
  mkdirSync(folder, { recursive: true });
  for (const [name, svg] of pictures) writeFileSync(path.join(folder, `${name}.svg`), svg);
  const shown = [...pictures.keys()].map((name) => `![${name}](${PICTURES}/${name}.svg)`).join('\n\n');
  const text = fill(readFileSync(PAGE, 'utf8'), 'tables', tables);
  writeFileSync(PAGE, fill(text, 'pictures', shown));
}
