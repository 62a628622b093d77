/** Who may bring the upgrade, and when, beyond what policy says. Pure. */
import type { LedgerRecord } from './ledger/record.ts';

/** All that is stated has to hold; an operator's approval stands for all of it. */
export interface TriggerRule {
  /** Only once an operator approved. */
  readonly approval: boolean;
  /** Only between these minutes of the day, UTC; may pass midnight. */
  readonly window: { readonly from: number; readonly to: number } | null;
  /** Only a client whose property `name` is this. */
  readonly canary: string | null;
  /** Only after so many distinct newer clients came. */
  readonly clients: number;
}

export const FIRST_CLIENT: TriggerRule = { approval: false, window: null, canary: null, clients: 1 };

export interface TriggerClient {
  /** Property `name`, where the client states one. */
  readonly name: string | null;
  /** What makes it distinct: its name, or else its host. */
  readonly identity: string;
}

/** Null: it may. Otherwise what is still missing, as a clause. @param now ms since the epoch. */
export function missingFor(
  rule: TriggerRule,
  record: LedgerRecord,
  client: TriggerClient,
  now: number,
): string | null {
  if (record.approval !== null) return null;
  if (rule.approval) return "an operator's approval";
  if (rule.canary !== null && client.name !== rule.canary) return `the client named ${rule.canary}`;
  if (rule.window !== null && !isWithin(rule.window, minuteOf(now)))
    return `the window from ${clock(rule.window.from)} to ${clock(rule.window.to)} UTC`;
  const seen = new Set([...record.seen, client.identity]).size;
  if (seen < rule.clients) return `${rule.clients} distinct newer clients (${seen} so far)`;
  return null;
}

function minuteOf(now: number): number {
  const date = new Date(now);
  return date.getUTCHours() * 60 + date.getUTCMinutes();
}

function isWithin({ from, to }: { from: number; to: number }, minute: number): boolean {
  return from <= to ? minute >= from && minute < to : minute >= from || minute < to;
}

function clock(minute: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

/** `02:00-04:30` to minutes of the day; null if `text` is none, or a window that never opens. */
export function parseWindow(text: string): { from: number; to: number } | null {
  const match = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (match === null) return null;
  const [h1, m1, h2, m2] = match.slice(1).map(Number) as [number, number, number, number];
  const [from, to] = [h1 * 60 + m1, h2 * 60 + m2];
  return from === to ? null : { from, to };
}
