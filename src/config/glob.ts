/**
 * Names with `*` in them. A `*` stands for one or more characters of the part that it is in, and never for what parts are
 * told apart by: the dot of a host name, the slash of a URI. So nobody gets more by a name than the one who wrote the
 * pattern saw.
 */

/** Whether a name is meant. */
export type NamePattern = (name: string) => boolean;

/** What no name has, so that none is taken for a shorter one. */
const CONTROL = /\p{Cc}/u;

/** A pattern of one part. Time is linear in the name for each `*`. */
export function globPart(pattern: string): NamePattern {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return (name) => name === pattern;
  return (name) => {
    if (CONTROL.test(name) || !name.startsWith(first)) return false;
    let at = first.length;
    for (const piece of rest) {
      const found = name.indexOf(piece, at + 1);
      if (found < 0) return false;
      at = found + piece.length;
    }
    return name.length - last.length >= at + 1 && name.endsWith(last);
  };
}

/**
 * A pattern of several parts: a name has as many.
 * @param between what parts are told apart by
 * @throws {Error} if there is a `**`, which is for the last part of a URI alone
 */
export function globParts(pattern: string, between: string): NamePattern {
  if (pattern.includes('**')) throw new Error(`${JSON.stringify(pattern)}: there is no ** here`);
  const globs = pattern.split(between).map(globPart);
  return (name) => {
    const parts = name.split(between);
    return parts.length === globs.length && globs.every((glob, at) => glob(parts[at] as string));
  };
}
