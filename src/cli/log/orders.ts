/** The orders of operators that stand at the last record of a log: what they gave, less what they took back or what ran out. */
import { type ClientRange, parseClientRange } from '../../config/client-range.ts';
import type { StandingOrder } from '../../planning/facts.ts';
import { tryParseVersion } from '../../version/version.ts';
import { type Entry, objectIn, textIn } from './entry.ts';

interface LoggedOrder extends StandingOrder {
  /** What it is about, as in the record: kind and name. */
  readonly target: string;
  /** The one gate that it is for; null: it is for all. */
  readonly gate: string | null;
  /** Of a drain of client releases. */
  readonly range: ClientRange | null;
}

/** Takes the operators' records in the order of time. */
export class LogOrders {
  readonly #orders = new Map<string, LoggedOrder>();

  add(entry: Entry): void {
    const what = textIn(entry, 'what');
    const stage = textIn(entry, 'stage');
    const target = objectIn(entry, 'target');
    const kind = target && textIn(target, 'kind');
    if (kind === null || stage === 'refused') return;
    const id = textIn(entry, 'order') ?? '';
    const name = target && textIn(target, 'name');
    const about = JSON.stringify([kind, name]);
    if (stage === 'lapsed') this.#orders.delete(id);
    else if (what === 'resume') this.#takeBack('pause', about);
    else if (what === 'undrain') this.#takeBack('drain', about);
    else if (what === 'pause' || what === 'drain')
      this.#orders.set(id, {
        what,
        by: textIn(entry, 'by') ?? 'somebody',
        reason: textIn(entry, 'reason') ?? '',
        until: untilOf(entry),
        target: about,
        gate: textIn(entry, 'scope') === 'cluster' ? null : textIn(entry, 'gate'),
        range: kind === 'clients' ? rangeOf(name) : null,
      });
  }

  /** A gate starts, or stopped: orders for it alone have ended with it. */
  forget(gate: string): void {
    for (const [id, order] of this.#orders) if (order.gate === gate) this.#orders.delete(id);
  }

  /** Those that keep everybody out. */
  get standing(): StandingOrder[] {
    return this.#orders
      .values()
      .filter(({ what, target }) => what === 'pause' || target === JSON.stringify(['gate', null]))
      .map(({ what, by, reason, until }) => ({ what, by, reason, until }))
      .toArray();
  }

  /** Whether the release of a client is drained. @param now ms since the epoch */
  isDrained(client: string, now: number): boolean {
    const version = tryParseVersion(client);
    if (version === null) return false;
    return this.#orders
      .values()
      .some(({ range, until }) => range?.(version) === true && (until === null || until > now));
  }

  #takeBack(what: LoggedOrder['what'], about: string): void {
    for (const [id, order] of this.#orders)
      if (order.what === what && order.target === about) this.#orders.delete(id);
  }
}

function untilOf(entry: Entry): number | null {
  const at = Date.parse(textIn(entry, 'until') ?? '');
  return Number.isNaN(at) ? null : at;
}

function rangeOf(text: string | null): ClientRange | null {
  try {
    return text === null ? null : parseClientRange(text);
  } catch {
    return null;
  }
}
