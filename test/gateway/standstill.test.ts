/** A gate that stood still (SIGSTOP, a suspended machine) decides nothing by what it knew before. */
import { expect, test } from 'vitest';
import { playSteps } from '../fleet/explore/support.ts';

test('[M1] it stood still while it asked before refusing: it asks again, and the servers have moved', async () => {
  const roll = { batch: 1, pause: '500ms', grace: '0s' };
  const world = await playSteps(
    { roll: { ...roll, to: '4.12.1', servers: ['rs3'] } },
    { kill: 'gate1' },
    // It keeps the gate waiting for an answer.
    { pause: 'rs1' },
    { connect: 'current' },
    { pause: 'gate2' },
    { roll: { ...roll, to: '4.15.0', servers: ['rs3', 'rs1'] } },
    { resume: 'gate2' },
    { wait: '5s' },
  );
  const handshakes = world.records.filter(({ event }) => event === 'handshake');
  expect(handshakes.map((record) => Reflect.get(record, 'code'))).toEqual(['PERMITTED', 'PERMITTED']);
  expect(await world.violations()).toEqual([]);
});
