/** Text that somebody else wrote, on its way into a terminal or a log: what would act there is written as `\uXXXX`. */

/**
 * What moves a cursor, ends a line, hides text or turns its direction: control characters (C0, DEL, C1), format
 * characters (bidi controls, zero widths, tags), halves of surrogate pairs, U+2028 and U+2029.
 */
const ACTIVE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The text with what acts escaped. JSON of one line stays the same JSON: such characters stand inside its strings only. */
export function escapeActive(text: string): string {
  return text.replace(ACTIVE, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
