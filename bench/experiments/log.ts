/** What the decision log costs: the same gate with and without it. */
import { fileURLToPath } from 'node:url';
import type { Experiment } from '../experiment.ts';
import { startGate } from '../subjects/gate.ts';
import { type ProxyKind, through } from '../subjects/proxy.ts';
import { measureSessions } from './sessions.ts';

const SCRIPT = fileURLToPath(new URL('../subjects/gate-in-process.ts', import.meta.url));

const gateWithLog = (log: 'on' | 'off'): ProxyKind => ({
  id: `log-${log}`,
  needs: [],
  start: (lab, servers) => startGate(lab, servers, { command: [SCRIPT], after: [log] }),
});

export const LOG: Experiment = {
  name: 'log',
  title: 'decision log on against off',
  reference: 'log-off',
  warmUp: true,
  figures: [
    {
      key: 'rate',
      title: 'decision log on against off, new sessions, 64 in flight',
      unit: '/s',
      more: true,
      goal: { least: 0.9, aim: 0.97 },
    },
    { key: 'cost', title: 'decision log on against off, CPU per session', unit: 'µs', more: false },
  ],
  variants: (['off', 'on'] as const).map((log) =>
    through(gateWithLog(log), (lab, running) =>
      measureSessions(lab, running, { port: running.port, connections: 64 }),
    ),
  ),
};
