/** The fencing tokens that servers say they saw, as far as they can be believed. */
import type { EventSink } from '../events/fan-out.ts';
import type { ServerStatus } from './server-state.ts';

/** The highest token believed of a server. A ledger counts up by one for each attempt, and does not get this far. */
const MAX_TOKEN = 2 ** 52;

/** The highest token of a cluster's servers. */
export class SeenTokens {
  readonly #events: EventSink;
  /** Servers that claimed a token which can't be. */
  readonly #disbelieved = new Set<string>();
  #highest = 0;

  constructor(events: EventSink) {
    this.#events = events;
  }

  /** 0 if no server said that it saw one. */
  get highest(): number {
    return this.#highest;
  }

  /** No server's word may use up the tokens that there are: one that no ledger can have given is ignored, and said once. */
  record(server: string, token: number): void {
    if (token <= MAX_TOKEN) {
      this.#highest = Math.max(this.#highest, token);
      return;
    }
    if (this.#disbelieved.has(server)) return;
    this.#disbelieved.add(server);
    this.#events.emit({
      event: 'migration',
      what: 'impossible-token',
      server,
      seenToken: token,
      error: `${server} says that it has seen token ${token}, which no ledger gives: it is ignored`,
    });
  }
}

/** The ledgers whose gates asked servers for steps, as each server said last, with the highest believable token of each. */
export function ledgersOf(servers: readonly ServerStatus[]): ReadonlyMap<string, number> {
  const ledgers = new Map<string, number>();
  for (const { id, token } of servers.flatMap((server) => server.ledgers))
    if (token <= MAX_TOKEN) ledgers.set(id, Math.max(token, ledgers.get(id) ?? 0));
  return ledgers;
}
