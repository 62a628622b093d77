/** Durations, sizes and counts as people write them. */
import { z } from 'zod';

const DURATION: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const SIZE: Readonly<Record<string, number>> = { b: 1, kb: 1_024, mb: 1_048_576, gb: 1_073_741_824 };

function parseUnits(text: string, units: Readonly<Record<string, number>>): number | null {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)([a-z]+)$/.exec(text);
  const factor = match && units[match[2] as string];
  const value = factor ? Math.round(Number(match[1]) * factor) : null;
  return Number.isSafeInteger(value) ? value : null;
}

const quantity = (units: Readonly<Record<string, number>>, example: string) =>
  z
    .string()
    .meta({ pattern: `^\\d{1,12}(\\.\\d{1,3})?(${Object.keys(units).join('|')})$` })
    .transform((text, context) => {
      const value = parseUnits(text, units);
      if (value !== null) return value;
      context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} is not of the form ${example}` });
      return z.NEVER;
    });

/** `15s`, `500ms`, `10m`, `2h` to ms. */
export const duration = quantity(DURATION, '500ms, 15s, 10m, 2h or 1d');
/** `64mb` to bytes. */
export const size = quantity(SIZE, '512kb, 64mb or 1gb');

/** Where nothing at all makes no sense: it would be asked again without a pause, or kept nowhere. */
export const moreThanNone = (unit: typeof duration) =>
  unit.refine((value) => value > 0, { message: 'must be more than 0' });

/** ms; null if `text` is none. */
export const parseDuration = (text: string): number | null => parseUnits(text, DURATION);

/** ms as a person would say them: `90 s`, `0.5 s`, `5 min`, `2 h`. */
export function seconds(ms: number): string {
  if (ms >= 3_600_000 && ms % 360_000 === 0) return `${ms / 3_600_000} h`;
  if (ms >= 300_000 && ms % 6_000 === 0) return `${ms / 60_000} min`;
  return `${Number((ms / 1_000).toFixed(ms < 1_000 ? 3 : 1))} s`;
}

/** `1 server`, `3 servers`. */
export function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
