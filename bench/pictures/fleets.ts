/** Random plans per second as the fleet grows. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { timeCommand } from '../experiments/fleets.ts';
import type { Picture } from './picture.ts';

const COUNTS = [3, 6, 12, 24];
/** Fewer for larger fleets: all take about as long. */
const SERVER_PLANS = 300;

export const FLEETS: Picture = {
  name: 'fleets',
  missing: () => null,
  async draw(lab) {
    const points: Array<[number, number]> = [];
    for (const count of lab.quick ? [3] : COUNTS) {
      const runs = lab.quick ? 3 : Math.max(6, Math.round(SERVER_PLANS / count));
      const file = path.join(lab.newFolder('fleet'), 'fleet.yaml');
      writeFileSync(file, stringify(fleetOf(count)));
      const { seconds } = await timeCommand(lab, ['explore', file, '--runs', String(runs), '--json']);
      points.push([count, runs / seconds]);
    }
    return [
      {
        title: 'explore: random plans per second, on all cores',
        x: { title: 'servers, and as many clients', logarithmic: true },
        y: { title: 'per second', logarithmic: true },
        series: [{ name: 'plans', points }],
      },
    ];
  },
};

function fleetOf(count: number): object {
  return {
    name: `${count} servers`,
    servers: { count, version: '4.13.0', tables: '4.13.0' },
    clients: [
      { name: 'old', count: Math.ceil(count / 2), version: '4.12.0' },
      { name: 'new', count: Math.ceil(count / 2), version: '4.14.0' },
    ],
    steps: [{ roll: { to: '4.14.0' } }],
  };
}
