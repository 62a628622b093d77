/**
 * What one gate shares with the others of its cluster, in the ledger's store: who it is and who they are, orders for all
 * of them, and what probes find. A store out of reach stops nothing: the gate goes on with what it knew, and `standing`
 * says how old that is.
 */
import type { Finding } from '../cluster/finding.ts';
import type { Order } from '../gateway/orders.ts';
import type { Changes } from '../ports/changes.ts';
import { randomId } from '../ports/random.ts';
import type { Announcement, GateView } from './announcement.ts';
import { Gates } from './gates.ts';
import { ProbeDuty, type ProbeDutyOptions } from './probe-duty.ts';
import { SharedOrders, type SharedOrdersOptions } from './shared-orders.ts';
import type { RecordPlace } from './shared-record.ts';

export interface CoordinationOptions
  extends RecordPlace,
    Pick<SharedOrdersOptions, 'orders' | 'outOfReach'>,
    Pick<ProbeDutyOptions, 'probes' | 'hear' | 'fingerprints' | 'times'> {
  /** The gate's. */
  readonly id: string;
  /** What there is to say of this gate at this moment, but for what it heeds. */
  readonly describe: () => Omit<Announcement, 'id' | 'heeds'>;
  /** Whether it may probe for all from the start; otherwise once `probe` is called. */
  readonly isProber: boolean;
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
  readonly #orders: SharedOrders;
  readonly #duty: ProbeDuty;

  constructor(options: CoordinationOptions) {
    this.#options = options;
    this.#gates = new Gates({
      ...options,
      instance: `${options.id}/${randomId(options.random, 8)}`,
      describe: () => ({ id: options.id, ...options.describe(), heeds: this.#orders.heeds }),
    });
    this.#orders = new SharedOrders({ ...options, gates: this.#gates });
    this.#duty = new ProbeDuty({ ...options, hasOthers: () => this.#gates.list().length > 1 });
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

  /** Which gate probes the servers for all, and how long ago it last wrote of it, ms; null: none is known to. */
  get prober(): { readonly gate: string; readonly ageMs: number } | null {
    return this.#duty.prober;
  }

  /**
   * Heeds the orders for all gates and announces this one, before it takes clients. Resolves once it did, or the store
   * turned out to be out of reach; never rejects.
   */
  async start(): Promise<void> {
    await this.#orders.start();
    await this.#gates.start();
  }

  /** Takes part in probing, once the gate has asked all servers itself. Resolves and never rejects, as `start`. */
  startProbing(): Promise<void> {
    return this.#duty.start(this.#options.isProber);
  }

  /** Has the others hear of what changed in this gate now, and not only with the next announcement. */
  announce(): Promise<void> {
    return this.#gates.announce();
  }

  /** See `SharedOrders.share`. */
  share(order: Order): Promise<string | null> {
    return this.#orders.share(order);
  }

  /** See `SharedOrders.withdraw`. */
  withdraw(id: string): Promise<string | null> {
    return this.#orders.withdraw(id);
  }

  /** It may probe for all from now on. */
  probe(): void {
    this.#duty.stand();
  }

  /** Gets what this gate found out of a server. */
  note(finding: Finding): void {
    this.#duty.note(finding);
  }

  /** Withdraws the gate. */
  async stop(): Promise<void> {
    await Promise.all([this.#duty.stop(), this.#orders.stop()]);
    await this.#gates.stop();
    await this.#options.close();
  }
}
