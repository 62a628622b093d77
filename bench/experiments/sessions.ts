/** New sessions: each connects, shakes hands, and leaves; so many are in flight all the time. */
import type { Experiment, Figure, Values } from '../experiment.ts';
import type { Lab, Load } from '../lab.ts';
import { DIRECT } from '../subjects/direct.ts';
import { GATE } from '../subjects/gate.ts';
import { HAPROXY } from '../subjects/haproxy.ts';
import { NGINX } from '../subjects/nginx.ts';
import { type Running, through } from '../subjects/proxy.ts';

const PROXIES = [DIRECT, HAPROXY, NGINX, GATE];

/** New sessions per second, µs of the proxy's CPU for each, and the slowest hundredth of the ways in, in µs. */
export async function measureSessions(lab: Lab, running: Running, load: Omit<Load, 'mode'>): Promise<Values> {
  const result = await lab.loadThrough(running, { ...load, mode: 'sessions' });
  const { admitted, seconds, p50, p99, proxyCpu, backendCpu, cpu } = result;
  return {
    rate: admitted / seconds,
    ...(running.pid !== null && { cost: (proxyCpu / admitted) * 1e6 }),
    p50,
    p99,
    loadBusy: cpu / seconds,
    backendBusy: backendCpu / seconds,
    proxyBusy: proxyCpu / seconds,
  };
}

function sessions(connections: number, figures: readonly Figure[]): Experiment {
  return {
    name: `sessions-${connections}`,
    title: `new sessions, ${connections} in flight`,
    note: 'Through the gate a session is asked for, judged and recorded. HAProxy and nginx lead the same client to a server that answers its hello itself.',
    reference: HAPROXY.id,
    warmUp: true,
    figures,
    variants: PROXIES.map((proxy) =>
      through(proxy, (lab, running) => measureSessions(lab, running, { port: running.port, connections })),
    ),
  };
}

export const SESSIONS_64 = sessions(64, [
  {
    key: 'rate',
    title: 'new sessions, 64 in flight',
    unit: '/s',
    more: true,
    goal: { least: 0.45, aim: 0.65 },
  },
  { key: 'cost', title: 'CPU per admitted session', unit: 'µs', more: false, goal: { least: 3, aim: 1.8 } },
  {
    key: 'p99',
    title: 'connect to permit, 99th percentile, 64 in flight',
    unit: 'µs',
    more: false,
    goal: { least: 2.2, aim: 1.6 },
  },
]);

export const SESSIONS_512 = sessions(512, [
  {
    key: 'rate',
    title: 'new sessions, 512 in flight',
    unit: '/s',
    more: true,
    goal: { least: 0.5, aim: 0.8 },
  },
]);
