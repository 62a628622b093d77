/**
 * The gates of one cluster, each as it announces itself in the store under a lease. One that dies drops out when its
 * lease is over, one that stops withdraws. Who is alive is judged by whether its announcements go on, as seen from here,
 * so that neither clocks that disagree nor one that leaps make a gate seem dead for longer than until it speaks again.
 */
import { Changes } from '../ports/changes.ts';
import type { Timer } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import {
  type Announcement,
  type Entry,
  type GatesRecord,
  type GateView,
  gatesSchema,
} from './announcement.ts';
import { RecordWatch } from './record-watch.ts';
import { type Reading, type RecordPlace, SharedRecord } from './shared-record.ts';

/** ms that an announcement stands unless it is renewed. */
export const LEASE = 15_000;
/** ms between announcements, at most; each comes up to a fifth earlier, so that gates do not write all at once. */
const RENEWAL = 5_000;
/** ms between readings, where the store tells of no change. */
const BEAT = 1_000;

export interface GatesOptions extends RecordPlace {
  /** Of this process, and of no other. */
  readonly instance: string;
  /** What there is to say of this gate at this moment. */
  readonly describe: () => Announcement;
}

interface Sighting {
  readonly beat: number;
  /** When that was first seen, monotonic, and how old it was then. */
  readonly seenAt: number;
  readonly age: number;
}

/** This gate's announcement, and what it knows of the others'. */
export class Gates {
  /** Told of every reading that may say something new, and when the store gets out of reach or is back. */
  readonly changes = new Changes();
  readonly #options: GatesOptions;
  readonly #record: SharedRecord<GatesRecord>;
  readonly #watch: RecordWatch<GatesRecord>;
  readonly #sightings = new Map<string, Sighting>();
  #known: Reading<GatesRecord> | null = null;
  #beat = 0;
  /** Why this gate could not announce itself; null: it could. */
  #unannounced: string | null = null;
  #announcing: Promise<void> | null = null;
  #again = false;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(options: GatesOptions) {
    this.#options = options;
    this.#record = new SharedRecord(options, 'gates', gatesSchema, { gates: {} });
    this.#watch = new RecordWatch({
      record: this.#record,
      clock: options.clock,
      beat: () => BEAT,
      read: (reading) => this.#take(reading),
      failed: () => this.changes.notify(),
    });
  }

  /** Announces this gate and reads who else there is, as far as the store can be reached. */
  async start(): Promise<void> {
    await this.announce();
    await this.#watch.start();
  }

  /** Writes what there is to say now. Never rejects: what fails is said with the next one. */
  async announce(): Promise<void> {
    if (this.#announcing !== null) {
      this.#again = true;
      return this.#announcing;
    }
    this.#timer?.cancel();
    this.#announcing = this.#announceAll().finally(() => {
      this.#announcing = null;
      this.#schedule();
    });
    return this.#announcing;
  }

  /** Withdraws. Never rejects: an announcement that can't be taken back lapses. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#announcing;
    await this.#watch.stop();
    const { instance } = this.#options;
    const without = ({ value: { gates } }: Reading<GatesRecord>) => {
      if (gates[instance] === undefined) return null;
      const { [instance]: _, ...rest } = gates;
      return { gates: rest };
    };
    await this.#record.update(without).catch(() => {});
  }

  /** Those that are alive as far as is known, this one among them: by id, and of one id the oldest first. */
  list(): GateView[] {
    const now = this.#options.clock.monotonic();
    const { instance } = this.#options;
    const others = Object.entries(this.#known?.value.gates ?? {})
      .filter(([key, entry]) => key !== instance && this.#isAlive(key, entry))
      .map(([key, entry]) => viewOf(key, entry, this.#ageOf(key, now)));
    const own = { ...this.#options.describe(), instance, isSelf: true, ageMs: 0 };
    return [...others, own].toSorted(
      (one, other) => compare(one.id, other.id) || one.startedAt - other.startedAt,
    );
  }

  /** How old what is known of the others is, ms, and why it is not newer; null: it was never known. */
  get standing(): { readonly ageMs: number | null; readonly why: string | null } {
    const now = this.#options.clock.monotonic();
    const ageMs = this.#known === null ? null : now - this.#known.askedAt;
    return { ageMs, why: this.#watch.trouble ?? this.#unannounced };
  }

  /** Whether it was seen within its lease, at the last reading: while the store is out of reach, nobody drops out. */
  #isAlive(key: string, { lease }: Entry): boolean {
    return this.#ageOf(key, this.#known?.askedAt ?? 0) < lease;
  }

  #ageOf(key: string, now: number): number {
    const sighting = this.#sightings.get(key);
    return sighting === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(0, now - sighting.seenAt) + sighting.age;
  }

  #take(reading: Reading<GatesRecord>): void {
    const { time } = reading;
    const { gates } = reading.value;
    const now = this.#options.clock.monotonic();
    for (const [key, { beat, renewedAt }] of Object.entries(gates)) {
      if (this.#sightings.get(key)?.beat === beat) continue;
      const byStore = Math.max(0, time - renewedAt);
      // What the reading before did not have was written after that one began.
      const bySight = this.#known === null ? Number.POSITIVE_INFINITY : now - this.#known.askedAt;
      this.#sightings.set(key, { beat, seenAt: now, age: Math.min(byStore, bySight) });
    }
    for (const key of this.#sightings.keys()) if (gates[key] === undefined) this.#sightings.delete(key);
    this.#known = reading;
    this.changes.notify();
  }

  async #announceAll(): Promise<void> {
    do {
      this.#again = false;
      this.#unannounced = await this.#record
        .update((reading) => this.#withOwn(reading))
        .then(
          () => null,
          ({ message }: Error) => message,
        );
    } while (this.#again && !this.#stopped);
  }

  /** With this gate as it is now, and without those whose lease is over. */
  #withOwn(reading: Reading<GatesRecord>): GatesRecord {
    const { instance, describe } = this.#options;
    this.#take(reading);
    const others = Object.entries(reading.value.gates).filter(
      ([key, entry]) => key !== instance && this.#isAlive(key, entry),
    );
    const own = { ...describe(), beat: ++this.#beat, renewedAt: reading.time, lease: LEASE };
    return { gates: { ...Object.fromEntries(others), [instance]: own } };
  }

  #schedule(): void {
    if (this.#stopped) return;
    const { clock, random } = this.#options;
    this.#timer = clock.after(jittered(RENEWAL, random), () => void this.announce());
  }
}

/** Up to a fifth less than `ms`. */
function jittered(ms: number, random: Random): number {
  return ms * (1 - random.next() / 5);
}

function viewOf(instance: string, entry: Entry, ageMs: number): GateView {
  const { beat: _, renewedAt: __, lease: ___, ...announcement } = entry;
  return { ...announcement, instance, isSelf: false, ageMs };
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
