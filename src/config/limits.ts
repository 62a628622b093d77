/** Upper limits: of the gate as a whole, and of each source network that clients come from. */
import { z } from 'zod';
import { Networks, parseNetwork } from '../transport/networks.ts';
import { checked } from './checked.ts';
import { size } from './units.ts';

/** A list of networks. */
export const networks = z.array(checked((text) => void parseNetwork(text)));

const connectRate = z
  .strictObject({
    perSecond: z.int().min(1).default(1_000).describe('in the long run'),
    burst: z.int().min(1).default(10_000).describe('at once, after a time in which none came'),
  })
  .prefault({})
  .describe('new connections from each source');

const sourcePrefix = z
  .strictObject({
    v4: z.int().min(1).max(32).default(32).describe('of IPv4 addresses'),
    v6: z.int().min(1).max(128).default(64).describe('of IPv6 addresses'),
  })
  .prefault({})
  .describe('leading bits that the addresses of one source share');

export const limits = z
  .strictObject({
    handshakes: z
      .int()
      .min(1)
      .default(10_000)
      .describe('clients in their handshake at once, from the first packet on'),
    sessions: z.int().min(1).default(100_000).describe('open sessions at once'),
    handshakesPerSource: z
      .int()
      .min(1)
      .optional()
      .describe('the same as `handshakes`, for each source; default: half of `handshakes`'),
    connectionsPerSource: z
      .int()
      .min(1)
      .default(50_000)
      .describe('connections at once from each source, in their handshake or with a session'),
    connectRate,
    sourcePrefix,
    exempt: networks
      .default(['127.0.0.0/8', '::1'])
      .describe(
        "networks whose addresses are no sources: what holds for each source does not hold for them. For balancers that do not say who their clients are; the gate's own machine by default",
      ),
    heldMemory: size
      .prefault('128mb')
      .describe(
        'memory for what clients send before they are admitted, all of them together; each source has half of it at most',
      ),
  })
  .prefault({})
  .describe('upper limits; see [limits](operating.md#what-one-source-may-take-up)');

/** What holds for each source, as a gate goes by it. */
export interface SourceLimits {
  readonly connections: number;
  readonly handshakes: number;
  readonly perSecond: number;
  readonly burst: number;
  /** Leading bits that the addresses of one source share. */
  readonly prefix: { readonly v4: number; readonly v6: number };
  /** What is none. */
  readonly exempt: Pick<Networks, 'has'>;
  /** Bytes, for all sources together. */
  readonly heldMemory: number;
}

/**
 * The limits of one process.
 * @param workers how many processes share the clients: each has an even part
 */
export function sourceLimitsOf(config: z.output<typeof limits>, workers = 1): SourceLimits {
  const { handshakes, handshakesPerSource = Math.ceil(handshakes / 2), connectRate } = config;
  const part = (limit: number) => Math.ceil(limit / workers);
  return {
    connections: part(config.connectionsPerSource),
    handshakes: part(handshakesPerSource),
    perSecond: connectRate.perSecond / workers,
    burst: part(connectRate.burst),
    prefix: config.sourcePrefix,
    exempt: new Networks(config.exempt),
    heldMemory: part(config.heldMemory),
  };
}
