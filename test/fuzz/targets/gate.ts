/**
 * A whole gate on virtual time and a client that sends anything: it gets an answer or is let go, the log has one record
 * of it with a code of the gate's own, and nothing is left over.
 */
import { isDeepStrictEqual } from 'node:util';
import { encodePreface } from '../../../src/wire/preface.ts';
import { virtualEnvironment } from '../../support/environment.ts';
import { VECTORS } from '../../support/examples.ts';
import { type FleetOptions, startFleet } from '../../support/gate.ts';
import { dialRaw, helloBytes } from '../../support/raw-client.ts';
import type { OpenTarget, Target } from '../target.ts';

/** ms in which every client of these gates has its answer. */
const LONG_ENOUGH = 60_000;

/** What is fuzzed of a front end. */
export interface FrontEndCase {
  readonly listen: NonNullable<FleetOptions['listen']>;
  readonly others?: NonNullable<FleetOptions['others']>;
  readonly corpus: readonly Uint8Array[];
  readonly words: readonly string[];
}

/** The first byte of an input chooses the size of the chunks that a client sends the rest in. */
export function frontEnd(what: () => FrontEndCase): OpenTarget {
  return async (): Promise<Target> => {
    const { listen, others = [], corpus, words } = what();
    const world = virtualEnvironment();
    const fleet = await startFleet(world, {
      listen,
      others,
      servers: others.length > 0 ? [] : [{ version: '4.14.0' }],
      timeouts: { handshake: '5s', hold: '5s', probe: '1h' },
      log: { properties: ['user'] },
    });
    return {
      corpus: corpus.map((bytes) => Buffer.concat([Buffer.of(0), bytes])),
      words,
      longest: 4_096,
      async run(input) {
        fleet.log.lines.length = 0;
        const client = await dialRaw(world, fleet.address());
        const size = (input[0] ?? 0) || input.length;
        for (let at = 1; at < input.length; at += size) client.connection.send(input.slice(at, at + size));
        await world.clock.run(100);
        client.connection.end();
        await world.clock.run(LONG_ENOUGH);
        client.connection.destroy();
        await world.clock.run(LONG_ENOUGH);
        const { sessions, handshakes } = fleet.gate.status();
        const faults = fleet.log.of('gate', { what: 'fault' });
        const { length: records } = fleet.log.handshakes;
        const seen = { sessions, handshakes, faults, records };
        // Who says nothing may be a probe, which leaves no record.
        const expected = { sessions: 0, handshakes: 0, faults: [], records: input.length < 2 ? records : 1 };
        if (!isDeepStrictEqual(seen, expected)) throw new Error(`left over: ${JSON.stringify(seen)}`);
      },
      close: () => fleet[Symbol.asyncDispose](),
    };
  };
}

/** The front end for clients that speak the handshake. */
export const openGate = frontEnd(() => ({
  listen: [{ tcp: '127.0.0.1:0' }],
  corpus: [
    helloBytes('4.14.0', { properties: { user: 'x' } }),
    Buffer.concat([helloBytes('4.13.2'), Buffer.from('early')]),
    Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
    Buffer.from('16030100c8010000c40303', 'hex'),
    Buffer.concat([encodePreface({ min: 7, max: 9 }), helloBytes('4.14.0')]),
    ...VECTORS.badInputs
      .filter(({ receiver }) => receiver === 'gate')
      .map(({ hex }) => Buffer.from(hex, 'hex')),
  ],
  words: ['version', 'driver', 'properties', 'token', '4.14.0', '9.0.0'],
}));

/** A port whose programs know nothing of skewgate. */
export const openAssumed = frontEnd(() => ({
  listen: [{ tcp: '127.0.0.1:0', assume: '4.13.1' }],
  corpus: [Buffer.from('PING\r\n'), Buffer.from('\0\0\0\u0008\u0004\u00d2\u0016\u002f', 'latin1')],
  words: [],
}));
