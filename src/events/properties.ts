/** What clients say of themselves, cut down to what events, and with them the log, may hold. */

/** Characters of a property's value that are recorded. */
const LONGEST_VALUE = 256;

/** The properties named in `allowed`, each no longer than a record should be. */
export function recordable(
  properties: Readonly<Record<string, string>>,
  allowed: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    allowed
      .filter((name) => Object.hasOwn(properties, name))
      .map((name) => [name, shorten(properties[name] as string)]),
  );
}

function shorten(value: string): string {
  return value.length <= LONGEST_VALUE ? value : `${value.slice(0, LONGEST_VALUE - 1)}…`;
}
