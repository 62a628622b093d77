/** What grows with the fleet is cut before it is sent: a client must be able to read every answer. */
import { expect, test } from 'vitest';
import { createSkewgateFrontEnd } from '../../src/frontend/skewgate.ts';
import { forWire } from '../../src/frontend/wire-limits.ts';
import { ClientHandshake } from '../../src/handshake/client.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { createMemoryNetwork } from '../../src/transport/memory.ts';
import { encodeMessage } from '../../src/wire/messages.ts';
import { encodePreface } from '../../src/wire/preface.ts';
import { EXAMPLES } from '../support/examples.ts';
import { judged } from '../support/facts.ts';
import { Recorder } from '../support/recorder.ts';

const FLEET = Array.from({ length: 400 }, (_, at) => `4.${10 + (at % 6)}.0`).concat('unknown', '5.1.0');

test.each(['4.16.0', '4.12.0', '4.9.0', '3.1.0', '5.5.0', '4.2.0'])(
  'client %s, refused by a mixed fleet of 402 servers, can read why',
  (version) => {
    const decision = judged(version, FLEET, { level: 27 });
    expect(decision.verdict).toBe('refuse');
    const client = new ClientHandshake(EXAMPLES.hello);
    client.start();
    const [event] = client.receive(
      Buffer.concat([encodePreface(), encodeMessage('refuse', forWire(decision))]),
    );
    expect(event).toMatchObject({ kind: 'refuse', refuse: { code: decision.code, rule: decision.rule } });
  },
);

test('a client that is held for a long reason can read it', async () => {
  const clock = new VirtualClock();
  const network = createMemoryNetwork(clock);
  const client = new ClientHandshake(EXAMPLES.hello);
  await network.listen('gate:1', {
    accept: (connection) => {
      const caller = createSkewgateFrontEnd({ clock, handshakeTimeout: 10_000 }).accept(connection);
      void caller
        .hello({ server: () => Promise.reject(new Error('none is needed')) })
        .then(() =>
          caller.wait({ code: 'NO_SERVER', reason: 'é'.repeat(5_000), progress: null, deadlineMs: 1 }),
        );
    },
  });
  const connection = await clock.until(network.dial('gate:1'));
  const recorder = new Recorder(connection);
  connection.send(client.start());
  await clock.run(1_000);
  const events = recorder.chunks.flatMap((chunk) => client.receive(chunk));
  expect(events).toMatchObject([
    { kind: 'wait', wait: { code: 'NO_SERVER', reason: `${'é'.repeat(2_047)}…` } },
  ]);
  connection.destroy();
});
