/** Reads a config file; what is wrong is said with line and field. */
import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { readTokens } from './clients.ts';
import { findMissing } from './environment.ts';
import { ConfigError } from './error.ts';
import { spellProblems } from './problems.ts';
import { type Config, configSchema } from './schema.ts';
import { readYaml, type YamlFile } from './yaml.ts';

export { ConfigError, type Problem } from './error.ts';

/** Reads and validates a config file. @throws {ConfigError} */
export async function loadConfig(file: string): Promise<Config> {
  return parseConfig(await readText(file), file);
}

/**
 * The config of a gate that is to be served from this machine: valid, and what it names is there.
 *
 * @param text the file's
 * @param folder where relative paths of the config start
 * @throws {ConfigError}
 */
export function parseServable(text: string, file: string, folder: string): Config {
  const yaml = readYaml(text, file);
  const stated = validate(yaml, configSchema);
  const problems = findMissing(stated, { file, folder });
  const config = { ...stated, clients: readTokens(stated.clients, folder, process.env, problems) };
  if (problems.length > 0) throw yaml.error(problems);
  return config;
}

/** The text of a file that was named on the command line. @throws {ConfigError} saying why it can't be read. */
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

/** A config from its YAML. @param file for messages. @throws {ConfigError} */
export function parseConfig(text: string, file = 'config'): Config {
  return parseYaml(text, file, configSchema);
}

/** YAML against a schema. @param file for messages. @throws {ConfigError} with line and field. */
export function parseYaml<S extends z.ZodType>(text: string, file: string, schema: S): z.output<S> {
  return validate(readYaml(text, file), schema);
}

function validate<S extends z.ZodType>(yaml: YamlFile, schema: S): z.output<S> {
  const parsed = schema.safeParse(yaml.data);
  if (parsed.success) return parsed.data;
  throw yaml.error(spellProblems(schema, yaml.data, parsed.error.issues));
}
