/** What gates know of servers according to their logs. A roll with a health check waits for it. */
import type { ServerRecord } from '../decision/record.ts';
import type { Logged } from './driver.ts';

type Seen = Pick<ServerRecord, 'server' | 'state' | 'version'>;

/** Follows the decision log and keeps what each gate last wrote of each server. */
export class HealthView {
  readonly #records: () => readonly Logged[];
  readonly #last = new Map<string, Seen>();
  #read = 0;

  /** @param records of the decision log so far, in order */
  constructor(records: () => readonly Logged[]) {
    this.#records = records;
  }

  /** Which gate does not see which server up on `version`, in words; null: all do. */
  missing(gates: readonly string[], servers: readonly string[], version: string): string | null {
    this.#catchUp();
    for (const gate of gates)
      for (const server of servers) {
        const seen = this.#last.get(`${gate} ${server}`);
        if (seen === undefined) return `${gate} never saw ${server}`;
        if (seen.state !== 'up' || seen.version !== version)
          return `${gate} sees ${server} ${seen.state} on ${seen.version ?? 'an unknown version'}`;
      }
    return null;
  }

  #catchUp(): void {
    const records = this.#records();
    for (; this.#read < records.length; this.#read++) {
      const record = records[this.#read] as Logged;
      if (record.event === 'server') this.#last.set(`${record.gate} ${record.server}`, record);
    }
  }
}
