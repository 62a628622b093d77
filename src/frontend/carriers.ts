/** The protocols of others that a listener can speak, and where a client's release can stand in each: what config needs. */
import type { Carriers } from './claim.ts';

/** Of one protocol. */
export interface CarriersOf {
  /** Where a claim can stand, as the config spells it. */
  readonly carriers: Carriers;
  /** Whether it can be taken out of what the server gets. */
  readonly strips: boolean;
}

/** By the word in the config. */
export const PROTOCOLS = {
  mysql: {
    carriers: { attribute: 'name', program_name: 'pattern', user: 'pattern', database: 'pattern' },
    strips: false,
  },
  redis: {
    carriers: { client_name: 'pattern', lib_name: 'pattern', lib_ver: 'pattern', user: 'pattern' },
    strips: false,
  },
} as const satisfies Readonly<Record<string, CarriersOf>>;

export type Spoken = keyof typeof PROTOCOLS;

/** Every word of the config for a protocol that is not the gate's own. */
export const SPOKEN_NAMES = Object.keys(PROTOCOLS) as [Spoken, ...Spoken[]];
