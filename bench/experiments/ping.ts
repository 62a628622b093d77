/** Request and response: 64 bytes there, 64 bytes back. */
import type { Experiment, Figure, Values } from '../experiment.ts';
import type { Lab } from '../lab.ts';
import { DIRECT } from '../subjects/direct.ts';
import { GATE } from '../subjects/gate.ts';
import { HAPROXY, HAPROXY_SPLICE } from '../subjects/haproxy.ts';
import { NGINX } from '../subjects/nginx.ts';
import { type Running, through } from '../subjects/proxy.ts';

const PROXIES = [DIRECT, HAPROXY, HAPROXY_SPLICE, NGINX, GATE];

async function measure(lab: Lab, running: Running, connections: number): Promise<Values> {
  const result = await lab.loadThrough(running, { mode: 'ping', port: running.port, connections });
  const { exchanges, seconds, p50, p99, proxyCpu, backendCpu, cpu } = result;
  return {
    rate: exchanges / seconds,
    p50,
    p99,
    loadBusy: cpu / seconds,
    backendBusy: backendCpu / seconds,
    proxyBusy: proxyCpu / seconds,
  };
}

function ping(connections: number, title: string, figure: Figure): Experiment {
  return {
    name: `ping-${connections}`,
    title,
    reference: HAPROXY.id,
    warmUp: true,
    figures: [figure],
    variants: PROXIES.map((proxy) => through(proxy, (lab, running) => measure(lab, running, connections))),
  };
}

export const PING_64 = ping(64, 'request/response, 64 connections', {
  key: 'rate',
  title: 'request/response, 64 connections',
  unit: '/s',
  more: true,
  goal: { least: 0.75, aim: 1 },
});

export const PING_1 = ping(1, 'request/response, one connection', {
  key: 'p50',
  title: 'request/response, one connection, median latency',
  unit: 'µs',
  more: false,
  goal: { least: 1.3, aim: 1.1 },
});
