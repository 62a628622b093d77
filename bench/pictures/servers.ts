/** What a verdict costs as the cluster grows. */
import { anewRate, verdictRate } from '../experiments/micro.ts';
import type { Lab } from '../lab.ts';
import type { Picture } from './picture.ts';

const COUNTS = [3, 10, 30, 100, 300, 1_000, 3_000, 10_000];

export const SERVERS: Picture = {
  name: 'servers',
  missing: () => null,
  async draw(lab) {
    const points = async (rate: (lab: Lab, count: number) => Promise<number>) => {
      const costs: Array<[number, number]> = [];
      for (const count of COUNTS) costs.push([count, 1e6 / (await rate(lab, count))]);
      return costs;
    };
    return [
      {
        title: 'decide()',
        x: { title: 'servers', logarithmic: true },
        y: { title: 'µs', logarithmic: true },
        series: [
          { name: 'verdict', points: await points(verdictRate) },
          { name: 'anew, with trace', points: await points(anewRate) },
        ],
      },
    ];
  },
};
