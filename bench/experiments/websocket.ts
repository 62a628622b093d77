/** The same clients over WebSocket and over TCP, through one gate; behind it all servers are TCP. */
import type { Experiment, Figure, Values } from '../experiment.ts';
import type { Lab, Load } from '../lab.ts';
import { GATE } from '../subjects/gate.ts';
import { type Running, through } from '../subjects/proxy.ts';
import { BLOCK, measureBulk } from './bulk.ts';
import { measureSessions } from './sessions.ts';

type Measure = (lab: Lab, running: Running, load: Omit<Load, 'mode'>) => Promise<Values>;

function compare(
  name: string,
  figure: Figure,
  load: Omit<Load, 'mode' | 'port'>,
  measure: Measure,
): Experiment {
  return {
    name,
    title: figure.title,
    reference: 'tcp',
    warmUp: true,
    figures: [figure],
    variants: [
      {
        ...through(GATE, (lab, running) => measure(lab, running, { ...load, port: running.port })),
        id: 'tcp',
      },
      {
        ...through(GATE, (lab, running) =>
          measure(lab, running, { ...load, port: running.webSocketPort as number, webSocket: true }),
        ),
        id: 'ws',
      },
    ],
  };
}

const rate = (title: string, unit: string, least: number, aim: number): Figure => ({
  key: 'rate',
  title,
  unit,
  more: true,
  goal: { least, aim },
});

export const WEBSOCKET: readonly Experiment[] = [
  compare(
    'ws-up',
    rate('WebSocket to TCP: bulk up', 'MB/s', 0.8, 1.2),
    { connections: 1, block: BLOCK },
    (lab, running, load) => measureBulk(lab, running, { ...load, mode: 'up' }),
  ),
  compare(
    'ws-down',
    rate('WebSocket to TCP: bulk down', 'MB/s', 0.8, 1.2),
    { connections: 8 },
    (lab, running, load) => measureBulk(lab, running, { ...load, mode: 'down' }),
  ),
  compare(
    'ws-sessions',
    rate('WebSocket to TCP: new sessions, 64 in flight', '/s', 0.3, 0.4),
    { connections: 64 },
    measureSessions,
  ),
];
