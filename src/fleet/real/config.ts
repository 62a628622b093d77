/** The config file of one gate of a scenario. */
import type { Config } from '../../config/schema.ts';
import type { Scenario } from '../scenario.ts';

export interface GateSetup {
  readonly id: string;
  readonly cluster: string;
  readonly servers: Config['servers'];
  /** Versions that clients without a handshake stand for. */
  readonly assumed: readonly string[];
  readonly ledger: string;
  readonly log: string;
}

/** Keys whose numbers are ms, which a config spells with their unit. */
const DURATIONS: ReadonlySet<string> = new Set([
  'lease',
  'timeout',
  'backOff',
  'deadline',
  'grace',
  'drain',
  'lameDuck',
  'handshake',
  'hold',
  'dial',
  'probe',
  'fresh',
  'idle',
]);
/** A log that is never rotated. */
const UNBOUNDED = '100000gb';

/** JSON, which is YAML. The log is durable: what a gate decided is in the file even if it is killed the moment after. */
export function writeGateConfig(
  scenario: Scenario,
  { id, cluster, servers, assumed, ledger, log }: GateSetup,
): string {
  const { policy, catalogue, migration, timeouts } = scenario;
  return JSON.stringify(
    {
      id,
      cluster,
      listen: [
        { tcp: '127.0.0.1:0' },
        { ws: '127.0.0.1:0' },
        ...assumed.map((assume) => ({ tcp: '127.0.0.1:0', assume })),
      ],
      servers,
      policy,
      catalogue,
      migration: { ...migration, ledger },
      log: { file: log, durable: true, rotate: UNBOUNDED, trace: 'all' },
      timeouts,
    },
    (key, value) => (typeof value === 'number' && DURATIONS.has(key) ? `${value}ms` : value),
    2,
  );
}
