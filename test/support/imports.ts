/** What the files under src import, read from their text. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));

export interface Import {
  /** As written. */
  readonly specifier: string;
  /** Gone at run time. */
  readonly typeOnly: boolean;
}

export interface SourceFile {
  /** From src, with `/`: `policy/decide.ts`. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

const STATEMENT = /^(?:import|export)\b(?<type>\s+type\b)?(?:[^;'"]*?\bfrom)?\s*(['"])(?<static>[^'"]+)\2/gm;
const DYNAMIC = /\b(?:import|require)\(\s*(['"`])(?<dynamic>[^'"`]+)\1/g;

export function importsOf(text: string): Import[] {
  const found = [...text.matchAll(STATEMENT), ...text.matchAll(DYNAMIC)];
  return found.map(({ groups = {} }) => ({
    specifier: (groups.static ?? groups.dynamic) as string,
    typeOnly: groups.type !== undefined,
  }));
}

export function readSources(): SourceFile[] {
  return readdirSync(SRC, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => {
      const file = `${entry.parentPath}${sep}${entry.name}`;
      const text = readFileSync(file, 'utf8');
      return { path: relative(SRC, file).replaceAll(sep, '/'), text, imports: importsOf(text) };
    });
}

/** The file under src that a relative specifier means; null for a package or a module of Node. */
export function resolveImport(from: string, specifier: string): string | null {
  return specifier.startsWith('.') ? posix.normalize(posix.join(dirname(from), specifier)) : null;
}
