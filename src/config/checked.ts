import { z } from 'zod';

/** Text that `parse` takes: what it throws is the error; the value stays text. */
export const checked = (parse: (text: string) => unknown) =>
  z.string().superRefine((text, context) => {
    try {
      parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
    }
  });
