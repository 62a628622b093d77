/** Two gate processes on one port against one. */
import os from 'node:os';
import { parseConfig } from '../../src/config/load.ts';
import type { Experiment } from '../experiment.ts';
import { GATE, startGate } from '../subjects/gate.ts';
import { type ProxyKind, through } from '../subjects/proxy.ts';
import { measureSessions } from './sessions.ts';

const TWO: ProxyKind = {
  id: 'two',
  needs: [],
  start: (lab, servers) => startGate(lab, servers, { config: { workers: 2 } }),
};

/** The load and the servers take a core each when two processes are to be busy. */
const CORES = 4;

function whyNot(): string | null {
  try {
    parseConfig('{ workers: 2, listen: [{ tcp: "127.0.0.1:0" }], servers: [] }');
  } catch (error) {
    if (/workers/.test((error as Error).message)) return 'this gate has no `workers`';
  }
  return null;
}

const variantOf = (proxy: ProxyKind) =>
  through(proxy, (lab, running) => measureSessions(lab, running, { port: running.port, connections: 512 }));

export const WORKERS: Experiment = {
  name: 'workers',
  title: 'two gate processes on one port against one',
  note: `Means something where cores are to spare, from ${CORES} on; this machine has ${os.cpus().length}.`,
  reference: 'one',
  warmUp: true,
  figures: [
    {
      key: 'rate',
      title: 'two gate processes against one, new sessions, 512 in flight',
      unit: '/s',
      more: true,
      goal: { least: 1.7, aim: 1.9 },
    },
  ],
  variants: [
    { ...variantOf(GATE), id: 'one' },
    { ...variantOf(TWO), missing: whyNot },
  ],
};
