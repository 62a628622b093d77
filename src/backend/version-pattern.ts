/**
 * The regular expression that finds a version in what a program prints or a page says. It comes from the config and
 * runs in the gate's own process, so it is matched by RE2, whose time is linear in the text whatever the expression:
 * one such as `^(a+)+$` would hold up every client in an engine that backtracks.
 */
import { RE2JS } from 're2js';

/** Instructions of a compiled expression. Time is instructions times characters, so this bounds it to a second. */
const MAX_INSTRUCTIONS = 250;
const MAX_LENGTH = 1_024;

/** Finds a version in a text: the first group, or the whole match where there is no group; null if there is no match. */
export type VersionPattern = (text: string) => string | null;

/**
 * Compiles an expression in the syntax of RE2 (https://github.com/google/re2/wiki/Syntax).
 * @throws {Error} saying what is wrong with it: RE2 has neither lookaround nor backreferences, and it may not be too large
 */
export function compileVersionPattern(source: string): VersionPattern {
  if (source.length > MAX_LENGTH) throw new Error(`a pattern has at most ${MAX_LENGTH} characters`);
  const expression = compile(source);
  if (expression.programSize() > MAX_INSTRUCTIONS)
    throw new Error('the pattern repeats too much: use smaller counts, or * and +');
  return (text) => {
    const matcher = expression.matcher(text);
    if (!matcher.find()) return null;
    return (matcher.groupCount() > 0 ? matcher.group(1) : null) ?? matcher.group();
  };
}

function compile(source: string): RE2JS {
  try {
    return RE2JS.compile(RE2JS.translateRegExp(source));
  } catch (error) {
    const reason = (error as Error).message.replace(/^error parsing regexp: /, '');
    throw new Error(
      `not a regular expression of RE2, which has no lookaround and no backreferences: ${reason}`,
    );
  }
}
