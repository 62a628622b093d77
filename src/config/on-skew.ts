/** What becomes of open sessions whose clients would not be admitted any more, as the config states it. */
import { z } from 'zod';
import { CODE_NAMES, CODES, type Code } from '../policy/codes.ts';
import { type Decision, RULES, type Rule } from '../policy/types.ts';
import { checked } from './checked.ts';
import { parseDuration } from './units.ts';

/** ms over which they end: 0 at once; null: they go on. */
export type SkewAction = number | null;

/** For all of them, or by the code, or else the rule, of what their clients would be told. */
export type OnSkew = SkewAction | Readonly<Partial<Record<Code | Rule, SkewAction>>>;

const skewCodes = CODE_NAMES.filter((code) => CODES[code].endsSessions === 'skew');
const skewRules = RULES.filter((rule) => ['M1', 'M2', 'J1', 'ranges'].includes(rule));

/** @throws {Error} saying what there is */
function parseAction(text: string): SkewAction {
  if (text === 'keep') return null;
  if (text === 'close') return 0;
  const ms = text.startsWith('drain ') ? parseDuration(text.slice('drain '.length)) : null;
  if (ms === null) throw new Error(`${JSON.stringify(text)} is not keep, close or of the form drain 10m`);
  return ms;
}

const action = checked(parseAction).meta({
  pattern: String.raw`^(keep|close|drain \d{1,12}(\.\d{1,3})?(ms|s|m|h|d))$`,
});

/** The key `sessions.onSkew`. */
export const onSkew = z.union([
  action,
  z.partialRecord(z.enum([...skewCodes, ...skewRules] as [Code | Rule, ...(Code | Rule)[]]), action),
]);

/** From the config's words, which the schema has checked. */
export function parseOnSkew(stated: z.infer<typeof onSkew>): OnSkew {
  if (typeof stated === 'string') return parseAction(stated);
  return Object.fromEntries(Object.entries(stated).map(([key, text]) => [key, parseAction(text)]));
}

/** What becomes of the session of a client that would be told that. */
export function skewActionFor(stated: OnSkew, { code, rule }: Pick<Decision, 'code' | 'rule'>): SkewAction {
  if (stated === null || typeof stated === 'number') return stated;
  return stated[code] ?? stated[rule] ?? null;
}

/** Whether nobody's session ends. */
export function keepsAll(stated: OnSkew): boolean {
  return (
    stated === null ||
    (typeof stated === 'object' && Object.values(stated).every((action) => action === null))
  );
}
