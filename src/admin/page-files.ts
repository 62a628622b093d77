/**
 * The files of the page at `/`, as they are on disk: HTML, CSS and JavaScript modules in `page/`, and the two files of
 * uPlot. They are read once; a browser gets them with a policy that lets nothing else run or load.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file as a browser gets it. */
export interface PageFile {
  /** Of its content, for the header `content-type`. */
  readonly type: string;
  readonly body: Buffer;
}

/** What the page may do: run its own modules, load its own styles, ask this gate; nothing inline, nothing from elsewhere. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

/** Of the package's sources: the modules are no TypeScript, so nothing of them is in `dist`. */
const FOLDER = ['./page/', '../../src/admin/page/'].map((at) => fileURLToPath(new URL(at, import.meta.url)));

/** The files by the path they are served at: `/`, and `/page/…`. @throws {Error} if one can't be read */
export function readPageFiles(): ReadonlyMap<string, PageFile> {
  const folder = FOLDER.find(isThere) as string;
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => path.extname(name) in TYPES,
  );
  const uplot = path.dirname(createRequire(import.meta.url).resolve('uplot'));
  const files = [
    ...names.map((name) => [name.replaceAll(path.sep, '/'), path.join(folder, name)] as const),
    ['uplot.js', path.join(uplot, 'uPlot.esm.js')] as const,
    ['uplot.css', path.join(uplot, 'uPlot.min.css')] as const,
  ];
  return new Map(
    files.map(([name, file]) => [
      name === 'index.html' ? '/' : `/page/${name}`,
      { type: TYPES[path.extname(name)] as string, body: readFileSync(file) },
    ]),
  );
}

function isThere(folder: string): boolean {
  try {
    return readdirSync(folder).includes('index.html');
  } catch {
    return false;
  }
}
