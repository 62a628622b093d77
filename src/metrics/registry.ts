/** The metrics of METRICS, made by prom-client in a registry of their own: a process may have several gates. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { METRICS, type MetricFacts, type MetricName } from './catalogue.ts';

function optionsOf(name: MetricName, registry: Registry) {
  const { labels, help, buckets }: MetricFacts = METRICS[name];
  return {
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
    ...(buckets && { buckets: [...buckets] }),
  };
}

/** A counter that grows as things happen. */
export function counter(registry: Registry, name: MetricName): Counter {
  return new Counter(optionsOf(name, registry));
}

/** A histogram, of seconds. */
export function histogram(registry: Registry, name: MetricName): Histogram {
  return new Histogram(optionsOf(name, registry));
}

/** Values by their labels. */
export type Samples = Iterable<readonly [labels: Readonly<Record<string, string>>, value: number]>;

/** A gauge that is read when somebody asks. */
export function gaugeOf(registry: Registry, name: MetricName, read: () => Samples): void {
  new Gauge({
    ...optionsOf(name, registry),
    collect() {
      this.reset();
      if (isBare(name)) this.remove();
      for (const [labels, value] of read()) this.set(labels, value);
    },
  });
}

/** A counter whose totals somebody else keeps. */
export function counterOf(registry: Registry, name: MetricName, read: () => Samples): void {
  new Counter({
    ...optionsOf(name, registry),
    collect() {
      this.reset();
      if (isBare(name)) this.remove();
      for (const [labels, value] of read()) this.inc(labels, value);
    },
  });
}

/** Without labels `reset` leaves a 0 behind, where there may be nothing to say. */
const isBare = (name: MetricName) => METRICS[name].labels.length === 0;
