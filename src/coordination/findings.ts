/**
 * What the prober of a cluster found out of servers, as it stands in the store. How old a finding is, nobody's clock has
 * to say: the prober writes that a round begins before it asks, and each finding names the write that was there when
 * its server was asked. A gate that read the record before that write knows that the server was asked after it did.
 */
import { z } from 'zod';
import type { Finding } from '../cluster/finding.ts';
import { parseVersion, printVersion } from '../version/version.ts';

const identitySchema = z.object({
  version: z.string(),
  draining: z.boolean(),
  level: z.number().nullable(),
  token: z.number().nullable(),
  ledgers: z.array(z.object({ id: z.string(), token: z.number() })),
  protocol: z.object({ min: z.number(), max: z.number() }).optional(),
});

const findingSchema = z.object({
  /** Of what the config says of the server: it holds for gates whose config says the same. */
  of: z.string(),
  /** The write that was there when the server was asked. */
  base: z.int(),
  /** Null: it did not answer. */
  identity: identitySchema.nullable(),
  error: z.string().nullable(),
});

export const findingsSchema = z.object({
  /** Of the record: another one has another. */
  origin: z.string(),
  /** Of the lease under which the prober writes. */
  token: z.int(),
  /** Id of the gate that probes. */
  prober: z.string(),
  /** Counts the writes. */
  writes: z.int(),
  /** When a round was written last, by the store's clock; ms since the epoch. */
  at: z.number(),
  /** By server. */
  findings: z.record(z.string(), findingSchema),
});

export type FindingsRecord = z.infer<typeof findingsSchema>;
export type SharedFinding = z.infer<typeof findingSchema>;

/** A finding for the store. */
export function toShare({ identity, error }: Finding, of: string, base: number): SharedFinding {
  if (identity === null) return { of, base, identity, error };
  const { version, draining, level, token, ledgers, protocol } = identity;
  const said = { draining, level, token, ledgers: [...ledgers], ...(protocol && { protocol }) };
  return { of, base, identity: { version: printVersion(version), ...said }, error };
}

/** A finding from the store. @param askedAt before the server was asked, monotonic @throws {Error} if it is damaged */
export function fromShare(server: string, { identity, error }: SharedFinding, askedAt: number): Finding {
  if (identity === null) return { server, askedAt, identity, error };
  return { server, askedAt, identity: { ...identity, version: parseVersion(identity.version) }, error };
}

/** Whether both say the same, whenever they were found. */
export function saySame(one: SharedFinding | undefined, other: SharedFinding): boolean {
  return one !== undefined && JSON.stringify({ ...one, base: 0 }) === JSON.stringify({ ...other, base: 0 });
}

/** Moments on a clock of this process, each with the count of writes that was known of then. */
const KEPT = 64;

/** What a gate knows of when the record was written: enough to say of a write that it was after some moment. */
export class Moments {
  #origin: string | null = null;
  /** Rising counts of writes, each with the last moment at which it was the one in the store, or not there yet. */
  #moments: { readonly writes: number; at: number }[] = [];

  /** A reading that was begun at `at`, monotonic, found `writes`. */
  note({ origin, writes }: Pick<FindingsRecord, 'origin' | 'writes'>, at: number): void {
    const last = this.#moments.at(-1);
    // A store that was lost or is an older copy counts anew.
    if (origin !== this.#origin || (last !== undefined && writes < last.writes)) this.#moments = [];
    this.#origin = origin;
    if (this.#moments.at(-1)?.writes === writes) (this.#moments.at(-1) as { at: number }).at = at;
    else this.#moments.push({ writes, at });
    if (this.#moments.length > KEPT) this.#moments.shift();
  }

  /** The latest moment that is known to be before the write, monotonic; null: none is. */
  before(write: number): number | null {
    return this.#moments.findLast(({ writes }) => writes < write)?.at ?? null;
  }
}
