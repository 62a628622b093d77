/** What README.md and docs/ show: commands with their output, configs, scenarios and programs, in reading order. */
import { type Block, blocksIn, markdownFiles } from './documents.ts';

/** Documents whose every block is run. proto/README.md is held to the code by test/proto. */
export const RUN_DOCUMENTS: readonly string[] = markdownFiles().filter(
  (file) => !/^(?:CHANGELOG|proto\/README)\.md$/.test(file),
);

/** A command as a document shows it. */
export interface Shown {
  readonly document: string;
  readonly command: string;
  /** What stands below it; a line of `…` stands for what is left out. */
  readonly output: string;
  /** Files that the document gave a name before, such as "Write `shop.yaml`:". */
  readonly files: ReadonlyMap<string, string>;
}

export const allBlocks: readonly Block[] = RUN_DOCUMENTS.flatMap((file) => blocksIn(file));

/** Blocks of a language; `document: block` titles keep two of them apart. */
export const blocksOf = (language: string): Block[] =>
  allBlocks.filter((block) => block.language === language);

/** The file name that ends the paragraph before a block, as in "Write `shop.yaml`:"; null if there is none. */
export function nameOf({ before }: Block): string | null {
  return /`([\w.-]+\.(?:ya?ml|m?js|ts|sh))`[^`\n]*:$/.exec(before.trim())?.[1] ?? null;
}

/** Every command of one document, in order. */
export function shownIn(document: string): Shown[] {
  const files = new Map<string, string>();
  return blocksIn(document).flatMap((block) => {
    const name = nameOf(block);
    if (name !== null) files.set(name, block.text);
    return block.language === 'console' ? commandsIn(block, new Map(files)) : [];
  });
}

function commandsIn({ document, text }: Block, files: ReadonlyMap<string, string>): Shown[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = '', ...output] = part.split('\n');
      return { document, command, output: output.join('\n').trimEnd(), files };
    });
}

/** The words after the program's name, without their quotes. */
export function wordsOf(command: string): string[] {
  const words = command.replace(/^.*npx skewgate /, '').match(/'[^']*'|"[^"]*"|\S+/g) ?? [];
  return words.map((word) => word.replace(/^(['"])(.*)\1$/, '$2'));
}

/** The text without what differs from run to run: session ids, times, which of the three servers served. */
export function settled(text: string): string {
  return text
    .replace(/session [0-9a-z]{16}/g, 'session …')
    .replace(/\brs\d \(4\.14\.\d\)(?! ?,)(?=, session|$)/gm, 'rs…')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, 'TIME')
    .replace(/\b\d\d:\d\d:\d\d\.\d{3}\b/g, 'TIME')
    .replace(/^\d{4}-\d\d-\d\d$/gm, 'DAY')
    .replace(/\bafter( waiting)? \d+ ms/g, 'after … ms')
    .replace(/ +$/gm, '')
    .trim();
}

/** Parts of `output`, between its lines of `…`, that `printed` does not hold in that order. Without a `…`: the whole. */
export function missingParts(output: string, printed: string): string[] {
  const wanted = settled(output).split(/^…$/m);
  let rest = settled(printed);
  if (wanted.length === 1) return rest === wanted[0] ? [] : wanted;
  return wanted.flatMap((part) => {
    const at = rest.indexOf(part.trim());
    if (at < 0) return [part.trim()];
    rest = rest.slice(at + part.trim().length);
    return [];
  });
}
