/** The clients of the last hour, each once however often it came: so many at most, and the latest of them. */
import type { HandshakeEvent } from '../events/events.ts';
import type { SeenClient } from '../planning/facts.ts';

const HOUR = 3_600_000;
const MOST = 5_000;

type Entry = { -readonly [Key in keyof SeenClient]: SeenClient[Key] };

/** Who came in the last hour. */
export class SeenClients {
  /** Who came last is last. */
  readonly #entries = new Map<string, Entry>();

  /** @param now ms since the epoch */
  note({ decision, driver, properties, peer }: HandshakeEvent, now: number): void {
    const { client, verdict, code } = decision;
    if (client === null || driver === null) return;
    const host = peer.replace(/:\d+$/, '');
    const key = JSON.stringify([client, host, driver, properties]);
    const known = this.#entries.get(key);
    const entry = known ?? {
      client,
      driver,
      properties,
      host,
      firstAt: now,
      lastAt: now,
      count: 0,
      verdict,
      code,
    };
    Object.assign(entry, { lastAt: now, count: entry.count + 1, verdict, code });
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    this.#forget(now);
  }

  /** @param now ms since the epoch */
  list(now: number): SeenClient[] {
    this.#forget(now);
    return Array.from(this.#entries.values(), (entry) => ({ ...entry }));
  }

  #forget(now: number): void {
    for (const [key, { lastAt }] of this.#entries) {
      if (this.#entries.size <= MOST && lastAt >= now - HOUR) return;
      this.#entries.delete(key);
    }
  }
}
