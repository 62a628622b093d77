/** A thousand clients on real sockets that come all at once after an upgrade. */
import { expect, test } from 'vitest';
import { onEachLedger } from './failure-scenario.ts';

const RAMP = 20;
const CLIENTS = 1_000;

onEachLedger('a thousand that come again at once after an upgrade', (start) => {
  test('are let in at the ramp, all of them; no second runs ahead of it', async () => {
    const scenario = await start();
    const gate = await scenario.process({
      migration: { hold: { ramp: RAMP } },
      limits: { handshakes: 2_000, sessions: 2_000 },
      timeouts: { hold: '30s' },
    });
    (await gate.connect('4.14.0')).destroy();
    const { time } = await gate.log.until('migration', { what: 'done' });
    const sessions = await Promise.all(
      Array.from({ length: CLIENTS }, () => gate.connect('4.14.0', { timeout: 60_000 })),
    );
    const admitted = gate.log.handshakes.map((record) => Date.parse(record.time) - Date.parse(time));
    expect(admitted).toHaveLength(CLIENTS + 1);
    for (const seconds of [1, 2, 3, 4, 5]) {
      const within = admitted.filter((ms) => ms <= seconds * 1_000).length;
      // The ramp begins with the last step's record, a moment before the upgrade is done: that moment is a quarter second at most.
      expect(within, `within ${seconds} s`).toBeLessThanOrEqual(1 + RAMP * (2 ** (seconds + 0.25) - 1));
    }
    expect(await scenario.count('done')).toBe(1);
    for (const session of sessions) session.destroy();
  });
});
