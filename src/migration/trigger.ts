/** Who may bring the upgrade, and when, beyond what policy says. Pure. */
import type { MissingForUpgrade } from '../policy/types.ts';
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

/** What has to come before this client may bring the upgrade: a clause for people, and the fact itself. */
export interface StillMissing {
  readonly for: string;
  readonly missing: MissingForUpgrade;
}

/** Null: it may. Otherwise what is still missing. @param now ms since the epoch. */
export function missingFor(
  rule: TriggerRule,
  record: LedgerRecord,
  client: TriggerClient,
  now: number,
): StillMissing | null {
  if (record.approval !== null) return null;
  if (rule.approval) return { for: "an operator's approval", missing: { kind: 'approval' } };
  if (rule.canary !== null && client.name !== rule.canary)
    return { for: `the client named ${rule.canary}`, missing: { kind: 'canary', name: rule.canary } };
  if (rule.window !== null && !isWithin(rule.window, minuteOf(now)))
    return {
      for: `the window from ${clock(rule.window.from)} to ${clock(rule.window.to)} UTC`,
      missing: { kind: 'window', opensAt: nextTime(rule.window.from, now) },
    };
  if (rule.clients <= 1) return null;
  const seen = new Set([...record.seen, client.identity]).size;
  if (seen < rule.clients)
    return {
      for: `${rule.clients} distinct newer clients (${seen} so far)`,
      missing: { kind: 'clients', more: rule.clients - seen },
    };
  return null;
}

/** When it is this minute of the day again, in ms since the epoch. */
function nextTime(minute: number, now: number): number {
  const at = new Date(now).setUTCHours(0, minute, 0, 0);
  return at > now ? at : at + 24 * 60 * 60_000;
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
