/** How long a gate takes to listen, and what it holds with nothing to do. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Experiment, Values } from '../experiment.ts';
import type { Lab } from '../lab.ts';
import { settledKib } from '../machine/settle.ts';
import { startGate } from '../subjects/gate.ts';
import { eachRound } from '../subjects/proxy.ts';

export const START: Experiment = {
  name: 'start',
  title: 'start of the gate, and memory of an idle one',
  note: 'With a listener for TCP, and with one for WebSocket beside it.',
  reference: null,
  warmUp: true,
  figures: [
    {
      key: 'seconds',
      title: 'start of the gate, first listening',
      unit: 's',
      more: false,
      goal: { least: 0.5, aim: 0.3 },
    },
    { key: 'memory', title: 'memory of an idle gate', unit: 'MB', more: false, goal: { least: 80, aim: 60 } },
  ],
  variants: [
    eachRound('gate', ['cc'], (lab) => startOf(lab, [{ tcp: '127.0.0.1:0' }])),
    eachRound('gate-ws', ['cc'], (lab) => startOf(lab, [{ tcp: '127.0.0.1:0' }, { ws: '127.0.0.1:0' }])),
  ],
};

/** Of a gate that listens on these. */
async function startOf(lab: Lab, listen: readonly object[]): Promise<Values> {
  const { ports } = await lab.backend();
  const startedAt = performance.now();
  await using gate = lab.own(await startGate(lab, ports, { config: { listen } }));
  const seconds = (performance.now() - startedAt) / 1_000;
  // What starting took of memory is given back a second after it.
  if (!lab.quick) await pause(2_000);
  return { seconds, memory: ((await settledKib(lab, gate.pid as number)) * 1_024) / 1e6 };
}
