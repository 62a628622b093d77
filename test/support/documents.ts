/** The Markdown files of the project: their fenced blocks, headings and links. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SKIPPED = /^(?:node_modules|dist|coverage|\..*)$/;

/** A fenced block of a document. */
export interface Block {
  /** Path of the document, relative to the root. */
  readonly document: string;
  readonly language: string;
  readonly text: string;
  /** The paragraph in front of it, which may name a file; empty if a block or a heading is there. */
  readonly before: string;
}

/** Paths of all Markdown files, relative to the root. */
export function markdownFiles(folder = ''): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const file = path.posix.join(folder, entry.name);
      if (entry.isDirectory()) return SKIPPED.test(entry.name) ? [] : markdownFiles(file);
      return entry.name.endsWith('.md') ? [file] : [];
    })
    .sort();
}

export const readDocument = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

const FENCE = /^( *)```(\w*)\n(.*?)^\1```$/gms;

export function blocksIn(document: string, text: string = readDocument(document)): Block[] {
  return [...text.matchAll(FENCE)].map((match) => ({
    document,
    language: match[2] ?? '',
    text: match[3] ?? '',
    before: paragraphBefore(text.slice(0, match.index)),
  }));
}

function paragraphBefore(text: string): string {
  const last = text.trimEnd().split(/\n\n/).at(-1) ?? '';
  return /^(?:```|#)/m.test(last) ? '' : last;
}

/** The text without what is in fenced blocks. */
const proseOf = (text: string) => text.replace(FENCE, '');

/** The anchors that GitHub gives to headings, in order; a second heading of one name has one twice. */
export function anchorsIn(text: string): string[] {
  return [...proseOf(text).matchAll(/^#{1,6} (.*)$/gm)].map(([, heading = '']) =>
    heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

/** Targets of links and images that stay inside the project. */
export function relativeLinksIn(text: string): string[] {
  const prose = proseOf(text).replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target as string)
    .filter((target) => !/^[a-z]+:/.test(target));
}
