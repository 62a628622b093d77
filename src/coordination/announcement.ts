/** What a gate says of itself to the other gates of its cluster. */
import { z } from 'zod';

const STATES = ['starting', 'serving', 'paused', 'drained', 'draining', 'stopped'] as const;

export const announcementSchema = z.object({
  /** The gate's id, by which its records go. */
  id: z.string(),
  /** Where its admin listener is reached, as a URL; null: it has none. */
  admin: z.string().nullable(),
  /** The version of skewgate that it runs. */
  program: z.string(),
  policyHash: z.string(),
  /** Of its release catalogue, as `hashCatalogue` has it. */
  catalogueHash: z.string(),
  /** ms since the epoch, on its own clock. */
  startedAt: z.number(),
  state: z.enum(STATES),
  /** Open sessions by the client's release line, such as `4.13`. */
  sessions: z.record(z.string(), z.number()),
  /** The last change to the orders for all gates that it heeds; null: it could not read them yet. */
  heeds: z.number().nullable(),
});

/** A gate as it announces itself. */
export type Announcement = z.infer<typeof announcementSchema>;

/** A gate as another one knows it. */
export interface GateView extends Announcement {
  /** Tells it from another process of the same id, such as the one that it replaces. */
  readonly instance: string;
  readonly isSelf: boolean;
  /** How long ago it last said so, ms. */
  readonly ageMs: number;
}

export const gatesSchema = z.object({
  /** By instance. */
  gates: z.record(
    z.string(),
    announcementSchema.extend({
      /** Counts its announcements: one that goes on counting is alive, whatever any clock says. */
      beat: z.number(),
      /** By the store's clock, ms since the epoch. */
      renewedAt: z.number(),
      /** How long an announcement stands, ms. */
      lease: z.number(),
    }),
  ),
});

export type GatesRecord = z.infer<typeof gatesSchema>;
export type Entry = GatesRecord['gates'][string];
