/** Places in the data of a file. */

/** Keys and indices from the root of the data to a place in it. */
export type Path = readonly PropertyKey[];

/** `servers[1].address`; empty for the whole file. */
export function printPath(path: Path): string {
  return path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at ? '.' : ''}${String(part)}`))
    .join('');
}
