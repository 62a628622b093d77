/** Reads a config file; what is wrong is said with line and field. */
import { readFile } from 'node:fs/promises';
import { LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
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
        message: error.message,
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
  const parsed = schema.safeParse(document.toJS() ?? {});
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    file,
    parsed.error.issues
      .flatMap((issue) => spell(issue))
      .map(({ path, message }) => ({ line: lineOf(path), field: printPath(path), message })),
  );
}

interface Spelled {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** One problem a key: a union tells what its likeliest member says. */
function spell(issue: z.core.$ZodIssue): Spelled[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: 'there is no such key' }));
  if (issue.code === 'invalid_union') {
    const likely = issue.errors.find((errors) =>
      errors.every((error) => error.code !== 'invalid_type' || error.path.length > 0),
    );
    if (likely) return likely.flatMap((inner) => spell({ ...inner, path: [...issue.path, ...inner.path] }));
  }
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined'))
    return [{ path: issue.path, message: 'is missing' }];
  return [{ path: issue.path, message: issue.message }];
}

function printPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at ? '.' : ''}${String(part)}`))
    .join('');
}
