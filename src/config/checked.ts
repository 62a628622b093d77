/** Parts of schemas: text that a parser takes, and entries that may stand once. */
import { z } from 'zod';
import { parseVersion } from '../version/version.ts';

/** Text that `parse` takes: what it throws is the error; the value stays text. */
export const checked = (parse: (text: string) => unknown) =>
  z.string().superRefine((text, context) => {
    try {
      parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
    }
  });

/** A version such as `4.14.0` or `4.14.0-HBase-1.4`; the pattern is for editors, and takes a little more. */
export const version = checked(parseVersion).meta({ pattern: String.raw`^\d+\.\d+\.\d+([-+].*)?$` });

/** A refinement of a list whose entries have a `name`: no two have the same. @param what they are, in the error */
export const eachNameOnce = <T extends { readonly name: string }>(what: string) =>
  eachOnce<T>(
    ({ name }) => name,
    () => 'name',
    what,
  );

/** A refinement of a list: no two entries have one name. @param nameOf undefined for what may be there more than once. @param keyOf which key to point at. */
export function eachOnce<T>(
  nameOf: (entry: T) => string | undefined,
  keyOf: (entry: T) => string,
  what: string,
) {
  return (entries: readonly T[], context: z.core.$RefinementCtx<T[]>) => {
    const seen = new Set<string>();
    for (const [at, entry] of entries.entries()) {
      const name = nameOf(entry);
      if (name === undefined) continue;
      if (seen.has(name))
        context.addIssue({
          code: 'custom',
          path: [at, keyOf(entry)],
          message: `a second ${what} ${JSON.stringify(name)}`,
        });
      seen.add(name);
    }
  };
}
