/** New sessions per second, and memory, while more and more sessions are open. */

import { holdClients, mostSessions } from '../experiments/memory.ts';
import { measureSessions } from '../experiments/sessions.ts';
import type { Lab } from '../lab.ts';
import { missing } from '../machine/programs.ts';
import { settledKib } from '../machine/settle.ts';
import { GATE } from '../subjects/gate.ts';
import { HAPROXY } from '../subjects/haproxy.ts';
import type { ProxyKind } from '../subjects/proxy.ts';
import type { Series } from './chart.ts';
import type { Picture } from './picture.ts';

const COUNTS = [100, 300, 1_000, 3_000, 6_000, 10_000, 15_000];
/** New ones that are in flight beside those that are open. */
const IN_FLIGHT = 64;

export const CONNECTIONS: Picture = {
  name: 'connections',
  missing: () => missing('cc', ...HAPROXY.needs),
  async draw(lab) {
    const [gate, haproxy] = [await grow(lab, GATE), await grow(lab, HAPROXY)];
    const x = { title: 'open sessions', logarithmic: true };
    return [
      {
        title: 'New sessions per second, 64 in flight',
        x,
        y: { title: 'per second' },
        series: [gate.rate, haproxy.rate],
      },
      { title: 'Memory', x, y: { title: 'MiB' }, series: [gate.memory, haproxy.memory] },
    ];
  },
};

async function grow(lab: Lab, proxy: ProxyKind): Promise<{ rate: Series; memory: Series }> {
  await using running = lab.own(await proxy.start(lab, (await lab.backend()).ports));
  const { port } = running;
  const rates: Array<[number, number]> = [];
  const memory: Array<[number, number]> = [];
  await measureSessions(lab, running, { port, connections: IN_FLIGHT });
  for (const count of countsHere(lab)) {
    await using _clients = await holdClients(lab, { port, connections: count });
    memory.push([count, (await settledKib(lab, running.pid as number)) / 1_024]);
    const { rate = 0 } = await measureSessions(lab, running, { port, connections: IN_FLIGHT });
    rates.push([count, rate]);
  }
  return { rate: { name: proxy.id, points: rates }, memory: { name: proxy.id, points: memory } };
}

/** As many as the descriptors allow, with room for those that are being opened and closed. */
function countsHere(lab: Lab): number[] {
  const most = lab.quick ? 300 : mostSessions() - 4 * IN_FLIGHT;
  const counts = COUNTS.filter((count) => count < most);
  return counts.length < COUNTS.length ? [...counts, most] : counts;
}
