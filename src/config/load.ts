/** Reads a config file; what is wrong is said with line and field. */
import { readFile } from 'node:fs/promises';
import { type Document, LineCounter, parseDocument, visit } from 'yaml';
import type { z } from 'zod';
import { spellProblems } from './problems.ts';
import { type Config, configSchema } from './schema.ts';

export interface Problem {
  /** 1 for the first; null where it concerns the whole file. */
  readonly line: number | null;
  /** `servers[1].address`; empty for the whole file. */
  readonly field: string;
  readonly message: string;
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];
  constructor(file: string, problems: readonly Problem[]) {
    super(
      problems
        .map(
          ({ line, field, message }) =>
            `${file}${line === null ? '' : `:${line}`}: ${field ? `${field}: ` : ''}${message}`,
        )
        .join('\n'),
    );
    this.problems = problems;
  }
}

/** @throws {ConfigError} */
export async function loadConfig(file: string): Promise<Config> {
  return parseConfig(await readText(file), file);
}

/** @throws {ConfigError} */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new ConfigError(file, [{ line: null, field: '', message: reasonOf(error) }]);
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'this is a folder, not a file';
  return message;
}

/** @param file for messages. @throws {ConfigError} */
export function parseConfig(text: string, file = 'config'): Config {
  return parseYaml(text, file, configSchema);
}

/** YAML against a schema, errors with line and field. @throws {ConfigError} */
export function parseYaml<S extends z.ZodType>(text: string, file: string, schema: S): z.output<S> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0)
    throw new ConfigError(
      file,
      document.errors.map((error) => ({
        line: lines.linePos(error.pos[0]).line,
        field: '',
        message: error.code === 'MULTIPLE_DOCS' ? 'a second document begins: a config is one' : error.message,
      })),
    );
  const lineOf = (path: readonly PropertyKey[]): number | null => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true) as
        | { range?: [number, number, number] }
        | undefined;
      if (node?.range) return lines.linePos(node.range[0]).line;
    }
    return null;
  };
  keepZeros(document);
  const data = read(document, file);
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    file,
    spellProblems(schema, data, parsed.error.issues).map(({ path, message }) => ({
      line: lineOf(path),
      field: printPath(path),
      message,
    })),
  );
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
function read(document: Document, file: string): unknown {
  try {
    return document.toJS() ?? {};
  } catch (error) {
    throw new ConfigError(file, [{ line: null, field: '', message: (error as Error).message }]);
  }
}

function printPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at ? '.' : ''}${String(part)}`))
    .join('');
}
