/** The picture of a soak: memory, descriptors and latency over time. */
import type { Chart, Series } from '../pictures/chart.ts';
import type { Sample } from './verdict.ts';

/** One chart for each quantity, over minutes. */
export function chartsOf(samples: readonly Sample[]): Chart[] {
  const series = (name: string, of: (sample: Sample) => number | null): Series => ({
    name,
    points: samples.flatMap((sample) => {
      const value = of(sample);
      return value === null ? [] : [[sample.at / 60, value] as const];
    }),
  });
  const x = { title: 'minutes' };
  return [
    {
      title: 'Memory of the gate',
      x,
      y: { title: 'MiB' },
      series: [series('resident', ({ memoryKib }) => memoryKib / 1024)],
    },
    {
      title: 'Descriptors of the gate',
      x,
      y: { title: 'open' },
      series: [series('descriptors', ({ descriptors }) => descriptors)],
    },
    {
      title: 'Connect to permit',
      x,
      y: { title: 'ms', logarithmic: true },
      series: [
        series('median', ({ connectP50 }) => connectP50),
        series('99th percentile', ({ connectP99 }) => connectP99),
      ],
    },
    {
      title: 'Echo of up to 1 KiB',
      x,
      y: { title: 'ms', logarithmic: true },
      series: [
        series('median', ({ echoP50 }) => echoP50),
        series('99th percentile', ({ echoP99 }) => echoP99),
      ],
    },
  ];
}
