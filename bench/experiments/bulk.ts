/** Bulk: one connection up, eight down, and what a GB costs the proxy. */
import type { Experiment, Values } from '../experiment.ts';
import type { Lab, Load } from '../lab.ts';
import { DIRECT } from '../subjects/direct.ts';
import { GATE, startGate } from '../subjects/gate.ts';
import { HAPROXY, HAPROXY_SPLICE } from '../subjects/haproxy.ts';
import { NGINX } from '../subjects/nginx.ts';
import { type ProxyKind, type Running, through } from '../subjects/proxy.ts';

/** The engine that a gate falls back to. */
const STREAMS: ProxyKind = {
  id: 'gate-streams',
  needs: [],
  start: (lab, servers) => startGate(lab, servers, { config: { relay: 'streams' } }),
};

const PROXIES: readonly ProxyKind[] = [DIRECT, HAPROXY, HAPROXY_SPLICE, NGINX, GATE, STREAMS];
/** Bytes of a write. */
export const BLOCK = 65_536;
const GB = 1e9;
const COSTS = { least: 0.6, aim: 0.45 };

/** MB per second, and CPU seconds of the proxy for each GB. */
export async function measureBulk(lab: Lab, running: Running, load: Load): Promise<Values> {
  const { bytes, seconds, proxyCpu, backendCpu, cpu } = await lab.loadThrough(running, load);
  return {
    rate: bytes / 1e6 / seconds,
    ...(running.pid !== null && { cost: proxyCpu / (bytes / GB) }),
    loadBusy: cpu / seconds,
    backendBusy: backendCpu / seconds,
    proxyBusy: proxyCpu / seconds,
  };
}

function bulk(name: string, title: string, load: Omit<Load, 'port'>): Experiment {
  return {
    name,
    title,
    reference: HAPROXY.id,
    warmUp: true,
    figures: [
      { key: 'rate', title, unit: 'MB/s', more: true, goal: { least: 1.4, aim: 1.8 } },
      { key: 'cost', title: `CPU seconds per GB, ${load.mode}`, unit: 's', more: false, goal: COSTS },
    ],
    variants: PROXIES.map((proxy) =>
      through(proxy, (lab, running) => measureBulk(lab, running, { ...load, port: running.port })),
    ),
  };
}

export const BULK_UP = bulk('bulk-up', 'bulk up, one connection, 64 KiB writes', {
  mode: 'up',
  connections: 1,
  block: BLOCK,
});

export const BULK_DOWN = bulk('bulk-down', 'bulk down, eight connections', { mode: 'down', connections: 8 });
