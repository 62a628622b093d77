/** Text and JSON that somebody else had a part in, on their way into a terminal. */
import { escapeActive } from '../events/escape.ts';

/** The text with what a terminal would act on written as `\uXXXX`. */
export const printable: (text: string) => string = escapeActive;

/** A value as one line of JSON, which a terminal shows as it is. */
export function printableJson(value: unknown): string {
  return escapeActive(JSON.stringify(value));
}
