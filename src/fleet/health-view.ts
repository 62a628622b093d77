/** What gates know of servers, as their logs say: a roll waits for it. */
import type { ServerRecord } from '../decision/record.ts';

type Seen = Pick<ServerRecord, 'server' | 'state' | 'version'>;

/** Follows the decision log and keeps what each gate last wrote of each server. */
export class HealthView {
  readonly #lines: () => readonly string[];
  readonly #last = new Map<string, Seen>();
  #read = 0;

  /** @param lines of the decision log. */
  constructor(lines: () => readonly string[]) {
    this.#lines = lines;
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
    const lines = this.#lines();
    for (; this.#read < lines.length; this.#read++) {
      const line = lines[this.#read] as string;
      if (!line.includes('"event":"server"')) continue;
      const record = JSON.parse(line) as ServerRecord;
      this.#last.set(`${record.gate} ${record.server}`, record);
    }
  }
}
