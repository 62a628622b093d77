/**
 * One gate probes for all that share a store. The duty goes with a lease of the store, so that two have it at most for as
 * long as one does not notice that its lease is over; when its holder dies or is cut off, another takes it. The others
 * take its findings, and ask a server themselves when they dial it, before they refuse a client, and when what they know
 * of it is too old, whyever that is. A gate that is cut off from the store probes by itself.
 */
import type { Cluster } from '../cluster/cluster.ts';
import type { Finding } from '../cluster/finding.ts';
import { AnyOf, Changes } from '../ports/changes.ts';
import { pause, type Timer } from '../ports/clock.ts';
import { randomId } from '../ports/random.ts';
import {
  type FindingsRecord,
  findingsSchema,
  fromShare,
  Moments,
  type SharedFinding,
  saySame,
  toShare,
} from './findings.ts';
import { RecordWatch } from './record-watch.ts';
import { type Reading, type RecordPlace, SharedRecord } from './shared-record.ts';

/** ms that the duty outlives a holder that does not renew it. */
const LEASE = 5_000;
const RENEWAL = 1_500;
/** ms that the store gets to take that a round begins. A round without it is not told from the one before. */
const MARK_MS = 500;
/** ms for which news is gathered before it is written. */
const NEWS_MS = 100;
/** Writes whose time is remembered, for questions that were under way meanwhile. */
const KEPT = 8;

export interface ProbeDutyOptions extends RecordPlace {
  /** The gate's. */
  readonly id: string;
  /** The questions of this gate. */
  readonly probes: Pick<Cluster['probes'], 'round' | 'keep' | 'pause'>;
  /** Takes what another gate found out. */
  readonly hear: Cluster['hear'];
  /** Of each server, what stands for all that the config says of it. */
  readonly fingerprints: () => ReadonlyMap<string, string>;
  /** As they are now, ms. */
  readonly times: () => { readonly probe: number; readonly dial: number };
  /** Whether there are other gates to probe for. */
  readonly hasOthers: () => boolean;
}

/** One gate's part in probing. */
export class ProbeDuty {
  readonly #options: ProbeDutyOptions;
  readonly #record: SharedRecord<FindingsRecord>;
  readonly #watch: RecordWatch<FindingsRecord>;
  readonly #moments = new Moments();
  /** Told when there may be something to do before its time. */
  readonly #turns = new Changes();
  readonly #stopping = new AbortController();
  /** Whether this process may have the duty: of several that are one gate, one does. */
  #isCandidate = false;
  #held: { readonly token: number; until: number } | null = null;
  /** Writes of this holder, each with when it was known to be in the store; monotonic. */
  #written: { readonly writes: number; readonly at: number }[] = [];
  readonly #found = new Map<string, SharedFinding>();
  #published: Readonly<Record<string, SharedFinding>> = {};
  /** The findings that were heard last. */
  #heard: object | null = null;
  #renewal: Timer | null = null;
  #news: Timer | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(options: ProbeDutyOptions) {
    this.#options = options;
    this.#record = new SharedRecord(options, 'findings', findingsSchema, {
      origin: '',
      token: 0,
      prober: '',
      writes: 0,
      at: 0,
      findings: {},
    });
    this.#watch = new RecordWatch({
      record: this.#record,
      clock: options.clock,
      beat: () => this.#beat,
      read: (reading) => this.#take(reading),
    });
  }

  /** Who probes, and how long ago that one last wrote of it, ms; null: nobody is known to. */
  get prober(): { readonly gate: string; readonly ageMs: number } | null {
    const { last } = this.#watch;
    if (last === null || !last.alive.has(last.value.token)) return null;
    const sinceRead = this.#options.clock.monotonic() - last.askedAt;
    return { gate: last.value.prober, ageMs: Math.max(0, last.time - last.value.at) + sinceRead };
  }

  /** Whether this gate has the duty. */
  get isHeld(): boolean {
    return this.#held !== null && this.#options.clock.monotonic() < this.#held.until;
  }

  /** Takes part. @param isCandidate whether it may have the duty from the start */
  async start(isCandidate: boolean): Promise<void> {
    this.#isCandidate = isCandidate;
    await this.#watch.start();
    this.#running = this.#run();
  }

  /** It may have the duty from now on. */
  stand(): void {
    this.#isCandidate = true;
    void this.#watch.look();
  }

  /** Gets what this gate found out of a server. */
  note(finding: Finding): void {
    const of = this.#options.fingerprints().get(finding.server);
    const base = this.#written.findLast(({ at }) => at <= finding.askedAt)?.writes;
    if (!this.isHeld || of === undefined || base === undefined) return;
    const shared = toShare(finding, of, base);
    this.#found.set(finding.server, shared);
    if (saySame(this.#published[finding.server], shared) || !this.#options.hasOthers()) return;
    this.#news ??= this.#options.clock.after(NEWS_MS, () => void this.#publish());
  }

  /** Gives the duty up. Never rejects. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#news?.cancel();
    this.#renewal?.cancel();
    await this.#watch.stop();
    await this.#running;
    const held = this.#held;
    this.#held = null;
    if (held === null) return;
    const last = ({ value }: Reading<FindingsRecord>) => ({ ...value, writes: value.writes + 1 });
    const given = { guard: held.token, drop: held.token };
    await this.#record.update(last, () => given).catch(() => {});
  }

  /** ms between readings, where the store tells of no change. */
  get #beat(): number {
    return Math.max(100, Math.min(1_000, this.#options.times().probe / 2));
  }

  /** ms: older than a finding gets while its prober does its duty. */
  get #tooOld(): number {
    const { probe, dial } = this.#options.times();
    return 2 * probe + dial;
  }

  /** Nobody is known to have the duty any more, and the store is out of reach, or can't be written. */
  get #isCutOff(): boolean {
    const { last, trouble } = this.#watch;
    if (trouble === null) return false;
    if (last === null || this.#options.clock.monotonic() - last.askedAt > LEASE) return true;
    return !last.alive.has(last.value.token);
  }

  async #run(): Promise<void> {
    const { clock, probes } = this.#options;
    const { signal } = this.#stopping;
    const turns = new AnyOf([this.#turns], clock);
    // All servers were asked just now.
    await turns.next(turns.count, probes.pause, signal);
    while (!signal.aborted) {
      const seen = turns.count;
      const isProbing = this.#isCandidate && (this.isHeld || this.#isCutOff);
      if (isProbing) await this.#round();
      else if (this.#isCandidate) await probes.keep(this.#tooOld);
      await turns.next(seen, isProbing ? probes.pause : this.#beat, signal);
    }
  }

  async #round(): Promise<void> {
    const { probes, clock, hasOthers } = this.#options;
    const isShared = this.isHeld && hasOthers();
    if (isShared) {
      const late = new AbortController();
      await Promise.race([this.#write(({ findings }) => findings), pause(clock, MARK_MS, late.signal)]);
      late.abort();
    }
    await probes.round();
    if (isShared) await this.#publish();
  }

  async #publish(): Promise<void> {
    this.#news?.cancel();
    this.#news = null;
    const known = this.#options.fingerprints();
    const findings = Object.fromEntries(
      [...this.#found].filter(([server, { of }]) => known.get(server) === of),
    );
    if (await this.#write(() => findings)) this.#published = findings;
  }

  /** Writes under the lease. False: it was not written, as far as is known. Never rejects. */
  async #write(next: (before: FindingsRecord) => FindingsRecord['findings']): Promise<boolean> {
    const held = this.#held;
    if (held === null) return false;
    try {
      const written = await this.#record.update(
        ({ value, time }) => ({ ...value, writes: value.writes + 1, at: time, findings: next(value) }),
        ({ value }) => (value.token === held.token ? { guard: held.token } : null),
      );
      if (written === null) this.#lose(held.token);
      else this.#noteWritten(written);
      return written !== null;
    } catch {
      return false;
    }
  }

  #noteWritten({ writes }: FindingsRecord): void {
    this.#written.push({ writes, at: this.#options.clock.monotonic() });
    if (this.#written.length > KEPT) this.#written.shift();
  }

  async #take(reading: Reading<FindingsRecord>): Promise<void> {
    const { value, alive, askedAt } = reading;
    if (value.writes > 0) this.#moments.note(value, askedAt);
    if (this.#held !== null && value.token > this.#held.token) this.#lose(this.#held.token);
    if (this.isHeld) return;
    if (alive.has(value.token)) return this.#hear(value);
    if (this.#isCandidate && !this.#stopping.signal.aborted) await this.#claim();
  }

  /** What the prober found holds for servers of which this gate's config says the same. */
  #hear({ findings }: FindingsRecord): void {
    if (findings === this.#heard) return;
    this.#heard = findings;
    const known = this.#options.fingerprints();
    for (const [server, finding] of Object.entries(findings)) {
      const askedAt = known.get(server) === finding.of ? this.#moments.before(finding.base) : null;
      if (askedAt !== null) this.#options.hear(fromShare(server, finding, askedAt), this.#isCandidate);
    }
  }

  /** Whoever is first has it. */
  async #claim(): Promise<void> {
    const { clock, id, random } = this.#options;
    const from = clock.monotonic();
    const origin = randomId(random);
    const written = await this.#record.update(
      ({ value, time }) => ({
        ...value,
        origin: value.origin || origin,
        token: value.token + 1,
        prober: id,
        writes: value.writes + 1,
        at: time,
      }),
      ({ value: { token }, alive }) =>
        alive.has(token) ? null : { vacant: token, grant: { token: token + 1, ms: LEASE } },
    );
    if (written === null) return;
    this.#held = { token: written.token, until: from + LEASE };
    this.#written = [];
    this.#found.clear();
    this.#published = {};
    this.#noteWritten(written);
    this.#renewLater();
    this.#turns.notify();
  }

  #renewLater(): void {
    this.#renewal?.cancel();
    this.#renewal = this.#options.clock.after(RENEWAL, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const held = this.#held;
    if (held === null || this.#stopping.signal.aborted) return;
    const from = this.#options.clock.monotonic();
    // A store that does not answer is asked again for as long as the lease may stand.
    const isAlive = await this.#record.renew(held.token, LEASE).catch(() => this.isHeld && null);
    if (isAlive === true) held.until = from + LEASE;
    if (isAlive === false) return this.#lose(held.token);
    this.#renewLater();
  }

  #lose(token: number): void {
    if (this.#held?.token !== token) return;
    this.#held = null;
    this.#renewal?.cancel();
    this.#turns.notify();
    void this.#watch.look();
  }
}
