/**
 * The protocols of others that a listener can speak: a front end for each, which reads a client's claim from the
 * protocol's own first messages and refuses in its words. Everything that depends on the protocol's name is here.
 */
import type { Decision } from '../policy/types.ts';
import type { Clock } from '../ports/clock.ts';
import type { Spoken } from './carriers.ts';
import type { Claims } from './claim.ts';
import type { FrontEnd } from './front-end.ts';

/** What such a front end is made with. */
export interface SpeakingOptions {
  readonly clock: Clock;
  /** ms for a client's first messages to be complete. */
  readonly handshakeTimeout: number;
  readonly claims: Claims;
  /** Whether the claim is taken out of what the server gets, where the protocol allows that. */
  readonly strip: boolean;
}

/** A refusal as a client of the protocol gets it. */
export interface RefusalShown {
  /** All that the gate sends. */
  readonly bytes: Uint8Array;
  /** What the protocol's own client prints. */
  readonly text: string;
}

/** One protocol. */
export interface SpokenProtocol {
  createFrontEnd(options: SpeakingOptions): FrontEnd;
  /** For people who ask what a client would see. */
  explainRefusal(decision: Decision): RefusalShown;
}

/** By the word in the config; read only where a listener speaks it. */
export const SPOKEN: Readonly<Record<Spoken, () => Promise<SpokenProtocol>>> = {
  mysql: async () => (await import('./mysql/mysql.ts')).mysql,
  redis: async () => (await import('./redis/redis.ts')).redis,
};

/** The front end of a protocol, to be loaded before its listener is bound. */
export function speakingFrontEnd(protocol: Spoken, options: SpeakingOptions): FrontEnd {
  let loaded: FrontEnd | null = null;
  return {
    protocol,
    isTransparent: false,
    async load() {
      loaded ??= (await SPOKEN[protocol]()).createFrontEnd(options);
    },
    accept(connection, memory) {
      if (loaded === null) throw new Error(`the front end ${protocol} was not loaded`);
      return loaded.accept(connection, memory);
    },
  };
}
