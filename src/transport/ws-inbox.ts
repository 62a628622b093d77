/**
 * What a WebSocket received and did not deliver yet. One read may hold thousands of messages: a connection delivers
 * a few in each turn of the event loop, so that a peer which sends without pause takes no more than its share.
 */

export interface InboundMessage {
  readonly bytes: Uint8Array;
  readonly text: boolean;
}

/** Messages that one connection may deliver in one turn of the event loop. */
export const FAIR_SHARE = 64;

/** The turns of the event loop, counted while somebody asks. */
const turns = {
  count: 0,
  counting: false,
  now(): number {
    if (!turns.counting) {
      turns.counting = true;
      setImmediate(() => {
        turns.count++;
        turns.counting = false;
      });
    }
    return turns.count;
  },
};

/** The messages of one connection, oldest first, given out by fair share. */
export class Inbox {
  readonly #goOn: () => void;
  #messages: InboundMessage[] = [];
  /** Index of the oldest: an array of thousands is not shifted for each. */
  #at = 0;
  #turn = -1;
  #share = 0;
  #waiting = false;

  /** @param goOn called in the next turn when `take` gave nothing because the share of this one was used up */
  constructor(goOn: () => void) {
    this.#goOn = goOn;
  }

  get isEmpty(): boolean {
    return this.#at === this.#messages.length;
  }

  push(message: InboundMessage): void {
    this.#messages.push(message);
  }

  /** The oldest message; null where there is none, or the share of this turn is used up. */
  take(): InboundMessage | null {
    const message = this.#messages[this.#at];
    if (message === undefined || !this.#hasShare()) return null;
    this.#share--;
    this.#at++;
    if (this.isEmpty) this.clear();
    return message;
  }

  clear(): void {
    this.#messages = [];
    this.#at = 0;
  }

  #hasShare(): boolean {
    const turn = turns.now();
    if (turn !== this.#turn) {
      this.#turn = turn;
      this.#share = FAIR_SHARE;
    }
    if (this.#share > 0) return true;
    if (!this.#waiting) {
      this.#waiting = true;
      setImmediate(() => {
        this.#waiting = false;
        this.#goOn();
      });
    }
    return false;
  }
}
