/** A gate with metrics, and what they say. */
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts';
import type { TestEnvironment } from '../support/environment.ts';
import { type Fleet, type FleetOptions, startFleet } from '../support/gate.ts';

export interface Metered extends AsyncDisposable {
  readonly fleet: Fleet;
  readonly metrics: Metrics;
  scrape(): Promise<Scrape>;
}

/** The numbers of one scrape, by name and labels as they are written: `a_total{b="c"}`. */
export class Scrape {
  readonly text: string;
  readonly samples: ReadonlyMap<string, number>;

  constructor(text: string) {
    this.text = text;
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    this.samples = new Map(
      lines.map((line) => {
        const at = line.lastIndexOf(' ');
        return [line.slice(0, at), Number(line.slice(at + 1))];
      }),
    );
  }

  /** Those of one metric, by their labels as they are written, without braces. */
  of(name: string): Record<string, number> {
    const found: Record<string, number> = {};
    for (const [key, value] of this.samples) {
      const [, called, labels = ''] = /^(\w+)(?:\{(.*)\})?$/s.exec(key) ?? [];
      if (called === name) found[labels] = value;
    }
    return found;
  }

  sum(name: string): number {
    return Object.values(this.of(name)).reduce((sum, value) => sum + value, 0);
  }
}

export async function startMetered(world: TestEnvironment, options: FleetOptions): Promise<Metered> {
  const metrics = createMetrics({ clock: world.clock, program: '1.2.3' });
  const { sink, observeStore } = metrics;
  const fleet = await startFleet(world, options, { start: false, sinks: [sink], observeStore });
  metrics.attach(fleet.built);
  await world.finish(fleet.gate.start());
  return {
    fleet,
    metrics,
    scrape: async () => new Scrape(await metrics.text()),
    async [Symbol.asyncDispose]() {
      metrics.close();
      await fleet[Symbol.asyncDispose]();
    },
  };
}
