/** What becomes of an event whose sink fails: the gate goes on as if nobody had listened. */
import { expect, test } from 'vitest';
import { createPlainBackEnd } from '../../src/backend/plain.ts';
import { Cluster } from '../../src/cluster/cluster.ts';
import type { GateEvent } from '../../src/events/events.ts';
import { createFanOut, type EventSink } from '../../src/events/fan-out.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { createMemoryNetwork } from '../../src/transport/memory.ts';
import { parseVersion } from '../../src/version/version.ts';

const started: GateEvent = { event: 'gate', what: 'started', policyHash: '', listeners: [], error: null };
const broken: EventSink = {
  emit() {
    throw new Error('the sink is broken');
  },
};

test('a sink that fails keeps no event from the others, and its first error is reported once', () => {
  const heard: GateEvent[] = [];
  const faults: unknown[] = [];
  const events = createFanOut([broken, { emit: (event) => heard.push(event) }], (error) => {
    faults.push(error);
    throw new Error('so is the terminal');
  });
  events.emit(started);
  events.emit(started);
  expect(heard).toEqual([started, started]);
  expect(faults).toEqual([new Error('the sink is broken')]);
});

test('a server does not count as down because a sink failed', async () => {
  const clock = new VirtualClock();
  const network = createMemoryNetwork(clock, 1);
  await network.listen('server:1', {
    accept: (connection) => connection.handle({ data() {}, end() {}, drain() {}, close() {} }),
  });
  const version = parseVersion('4.14.0');
  const cluster = new Cluster({
    servers: [{ id: 's1', address: 'tcp://server:1', backEnd: createPlainBackEnd(async () => version) }],
    transports: { tcp: network },
    clock,
    settings: { times: { dial: 3_000, probe: 5_000 } },
    events: createFanOut([broken]),
  });
  await clock.until(cluster.refresh(0));
  expect(cluster.status()).toMatchObject([{ state: 'up', version: '4.14.0', lastError: null }]);
});
