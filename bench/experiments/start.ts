/** How long a gate takes to listen, and what it holds with nothing to do. */
import type { Experiment } from '../experiment.ts';
import { settledKib } from '../machine/settle.ts';
import { startGate } from '../subjects/gate.ts';
import { eachRound } from '../subjects/proxy.ts';

export const START: Experiment = {
  name: 'start',
  title: 'start of the gate, and memory of an idle one',
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
    eachRound('gate', ['cc'], async (lab) => {
      const { ports } = await lab.backend();
      const startedAt = performance.now();
      await using gate = lab.own(await startGate(lab, ports));
      const seconds = (performance.now() - startedAt) / 1_000;
      return { seconds, memory: ((await settledKib(lab, gate.pid as number)) * 1_024) / 1e6 };
    }),
  ],
};
