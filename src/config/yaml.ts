/** YAML text to data, and from a place in the data back to the line that says it. Takes time linear in the text. */
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml';
import { ConfigError, type Problem } from './error.ts';
import { type Path, printPath } from './path.ts';
import type { Spelled } from './problems.ts';

/** A YAML file that was read. */
export interface YamlFile {
  /** Name of the file, for messages. */
  readonly name: string;
  readonly data: unknown;
  /** The error that says what is wrong with this file, each with its line. */
  error(problems: readonly Spelled[]): ConfigError;
}

/**
 * @param name for messages
 * @throws {ConfigError} with line, and field where it can be told, if it is not one document of well-formed YAML
 */
export function readYaml(text: string, name: string): YamlFile {
  const lines = new LineCounter();
  // The parser's own search for double keys compares each with each: that is done below.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const lineAt = (offset: number) => lines.linePos(offset).line;
  // Keys of keys would be spelt out, each one's quotes escaped again by the next: 50 brackets would take all memory.
  const odd = oddKeys(document).map((offset) => ({
    line: lineAt(offset),
    field: '',
    message: 'a key is a word, not a map, a list or an alias',
  }));
  if (odd.length > 0) throw new ConfigError(name, odd);
  const problems = [
    ...document.errors.map(
      ({ code, message, pos: [offset] }): Problem =>
        code === 'MULTIPLE_DOCS'
          ? { line: lineAt(offset), field: '', message: 'a second document begins: a config is one' }
          : { line: lineAt(offset), field: printPath(pathAt(document.contents, offset)), message },
    ),
    ...doubleKeys(document).map(({ path, offset, first }) => ({
      line: lineAt(offset),
      field: printPath(path),
      message: `the key stands twice, first on line ${lineAt(first)}`,
    })),
  ];
  if (problems.length > 0) throw new ConfigError(name, problems);
  keepZeros(document);
  const lineOf = (path: Path): number | null => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true) as Node | undefined;
      if (node?.range) return lineAt(node.range[0]);
    }
    return null;
  };
  return {
    name,
    data: toData(document, name),
    error: (spelled) =>
      new ConfigError(
        name,
        spelled.map(({ path, message }) => ({ line: lineOf(path), field: printPath(path), message })),
      ),
  };
}

/** The last key or entry that begins before this offset: what was being written where the text is wrong. */
function pathAt(node: unknown, offset: number): PropertyKey[] {
  if (isMap(node)) {
    const pair = node.items.findLast(({ key }) => beginOf(key) <= offset);
    return pair === undefined ? [] : [keyOf(pair.key), ...pathAt(pair.value, offset)];
  }
  if (!isSeq(node)) return [];
  const at = node.items.findLastIndex((item) => beginOf(item) <= offset);
  return at < 0 ? [] : [at, ...pathAt(node.items[at], offset)];
}

function beginOf(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? Number.POSITIVE_INFINITY;
}

function keyOf(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

/** Where keys begin that are no scalars. */
function oddKeys(document: Document): number[] {
  const found: number[] = [];
  visit(document, {
    Pair(_key, { key }) {
      if (key !== null && !isScalar(key)) found.push(beginOf(key));
      return isScalar(key) || key === null ? undefined : visit.SKIP;
    },
  });
  return found;
}

interface DoubleKey {
  readonly path: Path;
  /** Where it stands again, and where it stood first. */
  readonly offset: number;
  readonly first: number;
}

function doubleKeys(document: Document): DoubleKey[] {
  const found: DoubleKey[] = [];
  visit(document, {
    Map(_key, map) {
      const seen = new Map<string, number>();
      for (const { key } of map.items) {
        const [name, offset] = [keyOf(key), beginOf(key)];
        const first = seen.get(name);
        if (first === undefined) seen.set(name, offset);
        else found.push({ path: pathAt(document.contents, offset), offset, first });
      }
    },
  });
  return found;
}

/** YAML reads the release line 4.10 as the number 4.1: what was written counts. */
function keepZeros(document: Document): void {
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value === 'number' && /^\d+\.\d*0$/.test(node.source ?? '')) node.value = node.source;
    },
  });
}

/** An empty file is an empty map. @throws {ConfigError} if its aliases can't be resolved. */
function toData(document: Document, name: string): unknown {
  try {
    return document.toJS() ?? {};
  } catch (error) {
    throw new ConfigError(name, [{ line: null, field: '', message: (error as Error).message }]);
  }
}
