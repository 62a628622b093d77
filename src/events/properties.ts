/** What clients say of themselves, cut down to what events, and with them the log, may hold. */

/** Characters of a property's value that are recorded. */
const LONGEST_VALUE = 256;
/** One for all who have none: each session keeps what is recorded of it. */
const NONE: Readonly<Record<string, string>> = Object.freeze({});

/** The properties named in `allowed`, each no longer than a record should be. */
export function recordable(
  properties: Readonly<Record<string, string>>,
  allowed: readonly string[],
): Readonly<Record<string, string>> {
  const named = allowed.filter((name) => Object.hasOwn(properties, name));
  if (named.length === 0) return NONE;
  return Object.fromEntries(named.map((name) => [name, shorten(properties[name] as string)]));
}

function shorten(value: string): string {
  return value.length <= LONGEST_VALUE ? value : `${value.slice(0, LONGEST_VALUE - 1)}…`;
}
