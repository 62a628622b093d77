/** What a schema found wrong, in words for the person who wrote the file. */
import type { z } from 'zod';
import { createKeyLookup } from './keys.ts';
import type { Path } from './path.ts';
import { didYouMean } from './suggest.ts';

type Issue = z.core.$ZodIssue;

/** A problem in words, and where it is. */
export interface Spelled {
  readonly path: Path;
  readonly message: string;
}

const TYPES: Readonly<Record<string, string>> = {
  object: 'a map of keys',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

/** More of one file are not spelt out: nobody reads them, and each costs a search for what was meant. */
const MAX_PROBLEMS = 50;

/** What was checked, and against what. */
interface Checked {
  readonly schema: z.ZodType;
  readonly data: unknown;
  /** The keys that the schema knows in the map at a path. */
  readonly keysAt: (path: Path) => string[];
}

/** What the issues mean, in words, for at most 50 of them. @param data what the schema was given. */
export function spellProblems(schema: z.ZodType, data: unknown, issues: readonly Issue[]): Spelled[] {
  const checked = { schema, data, keysAt: createKeyLookup(schema) };
  return spellAll(issues, checked);
}

function spellAll(issues: readonly Issue[], checked: Checked): Spelled[] {
  const spelled = issues.slice(0, MAX_PROBLEMS).flatMap((issue) => spell(issue, checked));
  return spelled.slice(0, MAX_PROBLEMS);
}

/** One problem a key: a union tells what its likeliest member says. */
function spell(issue: Issue, checked: Checked): Spelled[] {
  const { path } = issue;
  const value = valueAt(checked.data, path);
  if (issue.code === 'unrecognized_keys') return unknownKeys(path, issue.keys, checked);
  const types = expectedTypes(issue);
  if (types.length > 0) {
    if (value === undefined && typeof path.at(-1) === 'string') return [{ path, message: 'is missing' }];
    // YAML reads 4.14 and 30 as numbers: what is wrong with them is said as of the text that was meant.
    if (types.includes('string') && (typeof value === 'number' || typeof value === 'boolean'))
      return [{ path, message: asText(checked, path, String(value)) }];
    const wanted = [...new Set(types)].map((type) => TYPES[type] ?? type).join(' or ');
    return [{ path, message: `expected ${wanted}, not ${nameOf(value)}` }];
  }
  if (issue.code === 'invalid_union') {
    const likely =
      issue.errors.find((errors) => errors.every((error) => error.path.length > 0)) ??
      issue.errors.find((errors) => errors.every((error) => !isOfRoot(error)));
    if (likely)
      return spellAll(
        likely.map((inner) => ({ ...inner, path: [...path, ...inner.path] })),
        checked,
      );
  }
  return [{ path, message: messageOf(issue, value) }];
}

function unknownKeys(path: Path, keys: readonly string[], { data, keysAt }: Checked): Spelled[] {
  const present = valueAt(data, path) as object;
  const free = keysAt(path).filter((key) => !Object.hasOwn(present, key));
  return keys.slice(0, MAX_PROBLEMS).map((key) => ({
    path: [...path, key],
    message: `there is no such key${didYouMean(key, free)}`,
  }));
}

const isOfRoot = (error: Issue) => error.code === 'invalid_type' && error.path.length === 0;

/** The types that would have been right; none if the type is not what is wrong. */
function expectedTypes(issue: Issue): string[] {
  if (issue.code === 'invalid_type') return [issue.expected];
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [];
  const types = issue.errors.map((errors) => errors.filter(isOfRoot).flatMap(expectedTypes));
  return types.every((some) => some.length > 0) ? types.flat() : [];
}

function messageOf(issue: Issue, value: unknown): string {
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => message).join('; ');
  if (issue.code === 'invalid_value')
    return `${JSON.stringify(value)} is none of ${issue.values.join(', ')}${didYouMean(String(value), issue.values.map(String))}`;
  const least = issue.code === 'too_small';
  if (least || issue.code === 'too_big') {
    const bound = `${least ? 'at least' : 'at most'} ${least ? issue.minimum : issue.maximum}`;
    if (issue.origin === 'array') return `needs ${bound} entry`;
    return issue.origin === 'string' ? `needs ${bound} characters` : `must be ${bound}, not ${value}`;
  }
  return issue.message;
}

/** What would be wrong with the value at `path` if it were this text. */
function asText(checked: Checked, path: Path, text: string): string {
  const { schema } = checked;
  // No more than that value's surroundings: a file may have thousands of such values.
  const data = excerptOf(checked.data, path, text);
  const short = path.map((part) => (typeof part === 'number' ? 0 : part));
  const issues = schema.safeParse(data).error?.issues ?? [];
  const same = spellAll(
    issues.filter((issue) =>
      short.every((part, at) => issue.path[at] === undefined || issue.path[at] === part),
    ),
    { ...checked, data },
  ).find((other) => other.path.join('.') === short.join('.'));
  return same?.message ?? `expected text: put it in quotes, "${text}"`;
}

/** The maps and lists that lead to a path, with `value` at its end and what stands beside it; each list has one entry. */
function excerptOf(data: unknown, [key, ...rest]: Path, value: unknown): unknown {
  if (key === undefined) return value;
  const inner = excerptOf((data as Record<PropertyKey, unknown>)[key], rest, value);
  if (Array.isArray(data)) return [inner];
  return { ...(rest.length === 0 ? (data as object) : {}), [key]: inner };
}

function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>((node, key) => (node as Record<PropertyKey, unknown> | null)?.[key], data);
}

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a map of keys' : JSON.stringify(value);
}
