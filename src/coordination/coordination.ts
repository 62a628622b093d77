/**
 * What one gate shares with the others of its cluster, in the ledger's store: who it is and who they are. A store out of
 * reach stops nothing: the gate goes on with what it knew, and `standing` says how old that is.
 */
import type { Changes } from '../ports/changes.ts';
import { randomId } from '../ports/random.ts';
import type { Announcement, GateView } from './announcement.ts';
import { Gates } from './gates.ts';
import type { RecordPlace } from './shared-record.ts';

export interface CoordinationOptions extends RecordPlace {
  /** The gate's. */
  readonly id: string;
  /** What there is to say of this gate at this moment, but for what it heeds. */
  readonly describe: () => Omit<Announcement, 'id' | 'heeds'>;
  /** Lets go of the store; called once everything has stopped. */
  readonly close: () => Promise<void>;
}

/** How far what is known of the other gates can be relied on. */
export interface Standing {
  /** How old it is, ms; null: nothing was ever known. */
  readonly ageMs: number | null;
  /** Why it is not newer, or why this gate can't tell the others of itself; null: nothing is wrong. */
  readonly why: string | null;
}

/** One gate's part in its cluster, from its start to its end. */
export class Coordination {
  readonly #options: CoordinationOptions;
  readonly #gates: Gates;

  constructor(options: CoordinationOptions) {
    this.#options = options;
    this.#gates = new Gates({
      ...options,
      instance: `${options.id}/${randomId(options.random, 8)}`,
      describe: () => ({ id: options.id, ...options.describe(), heeds: null }),
    });
  }

  /** Told when something may be new of the other gates. */
  get changes(): Changes {
    return this.#gates.changes;
  }

  /** All gates of the cluster that are alive as far as is known, this one among them. */
  gates(): GateView[] {
    return this.#gates.list();
  }

  get standing(): Standing {
    return this.#gates.standing;
  }

  /** Announces the gate. Resolves once it did, or the store turned out to be out of reach; never rejects. */
  start(): Promise<void> {
    return this.#gates.start();
  }

  /** Has the others hear of what changed in this gate now, and not only with the next announcement. */
  announce(): Promise<void> {
    return this.#gates.announce();
  }

  /** Withdraws the gate. */
  async stop(): Promise<void> {
    await this.#gates.stop();
    await this.#options.close();
  }
}
