/**
 * A line of a log as the command takes it: whatever JSON it holds. Records of later gates may have words, fields and
 * events that are unknown here, and anybody may write a line, so that every field is looked at before it is used.
 */
import { recordIn } from '../../decision/ecs.ts';
import { printable } from '../printable.ts';

export interface Entry {
  /** ISO 8601, as in the line. */
  readonly time: string;
  /** The same, ms since the epoch. */
  readonly at: number;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** The line as it was read. */
  readonly line: string;
}

/** Null: the line is no record, or one of another shape. */
export function readEntry(line: string): Entry | null {
  let fields: Record<string, unknown>;
  try {
    fields = recordIn(JSON.parse(line));
  } catch {
    return null;
  }
  if (typeof fields !== 'object' || fields === null) return null;
  const { time, event } = fields;
  if (typeof time !== 'string' || typeof event !== 'string') return null;
  const at = Date.parse(time);
  if (Number.isNaN(at)) return null;
  const entry: Entry = { time, at, event, fields, line };
  return event !== 'handshake' || (textIn(entry, 'verdict') && textIn(entry, 'code')) ? entry : null;
}

/** A field that is a text; null if it is absent or anything else. As it is: not fit for a terminal. */
export function textIn({ fields }: Pick<Entry, 'fields'>, key: string): string | null {
  const value = fields[key];
  return typeof value === 'string' ? value : null;
}

/** A field for a terminal: what is no text or number is `?`. */
export function shown({ fields }: Pick<Entry, 'fields'>, key: string): string {
  const value = fields[key];
  return typeof value === 'string' || typeof value === 'number' ? printable(String(value)) : '?';
}

/** A field of a record as a number; null if it is none. */
export function numberIn({ fields }: Pick<Entry, 'fields'>, key: string): number | null {
  const value = fields[key];
  return typeof value === 'number' ? value : null;
}

/** A field that is an object, to be looked into in turn. */
export function objectIn({ fields }: Pick<Entry, 'fields'>, key: string): Pick<Entry, 'fields'> | null {
  const value = fields[key];
  return typeof value === 'object' && value !== null ? { fields: value as Record<string, unknown> } : null;
}

/** Who has to move in a handshake that was refused; null: nobody. */
export function moveIn(entry: Entry): { readonly side: string; readonly to: string } | null {
  const move = objectIn(entry, 'move');
  const side = move && textIn(move, 'side');
  const to = move && textIn(move, 'to');
  return side && to ? { side, to } : null;
}
