/**
 * Ends sessions that carry nothing, either way, for as long as `timeouts.idle` says. It looks eight times in that time,
 * so that a session costs nothing but those looks, and is ended at the latest an eighth after its time.
 */
import { seconds } from '../config/units.ts';
import type { Changes } from '../ports/changes.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { SessionClose, SessionRegistry } from './sessions.ts';

const LOOKS = 8;
/** The least time between two looks, ms. */
const LEAST = 50;

export interface IdleWatchOptions {
  readonly sessions: SessionRegistry;
  readonly clock: Clock;
  /** As they are now. */
  readonly settings: { readonly changes: Changes; readonly times: { readonly idle: number } };
}

/** Looks from `start` to `stop`, where the settings have a limit. */
export class IdleWatch {
  readonly #options: IdleWatchOptions;
  #timer: Timer | null = null;

  constructor(options: IdleWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#changed();
  }

  stop(): void {
    this.#options.settings.changes.forget(this.#changed);
    this.#timer?.cancel();
  }

  readonly #changed = (): void => {
    this.#options.settings.changes.tell(this.#changed);
    this.#plan();
  };

  #plan(): void {
    const { clock, settings } = this.#options;
    this.#timer?.cancel();
    const { idle } = settings.times;
    this.#timer = idle === 0 ? null : clock.after(Math.max(LEAST, idle / LOOKS), () => this.#look(idle));
  }

  #look(idle: number): void {
    this.#options.sessions.closeIdle(idle, idleSession(idle));
    this.#plan();
  }
}

function idleSession(ms: number): SessionClose {
  return { reason: 'idle', code: 'SESSION_IDLE', message: `The session carried nothing for ${seconds(ms)}.` };
}
