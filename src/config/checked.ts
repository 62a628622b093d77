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

export const version = checked(parseVersion);

/** @param nameOf undefined for what may be there more than once. @param keyOf which key to point at. */
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
